/* CubeMX's main.h, as far as the chip side needs it. */
#include "stm32f4xx_hal.h"
