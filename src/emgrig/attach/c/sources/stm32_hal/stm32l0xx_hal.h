/* See stm32_hal.h. */
#include "stm32_hal.h"
