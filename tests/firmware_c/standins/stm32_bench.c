/* What CubeMX's code does, on the bench: SPI1 in mode 1, EXTI on DRDY, a timer of microseconds. */
#include "board_pins.h"
#include "clock_us.h"

SPI_HandleTypeDef hspi1;

__attribute__((constructor)) static void cube(void)
{
    hspi1.Init.Mode = SPI_MODE_MASTER;
    hspi1.Init.CLKPolarity = SPI_POLARITY_LOW;
    hspi1.Init.CLKPhase = SPI_PHASE_2EDGE;
    hspi1.Init.BaudRatePrescaler = COMMAND_PRESCALER;
}

uint64_t clock_us(void)
{
    static int is_on;
    static int is_serving;
    if (is_on == 0) {
        is_on = 1;
        emgrig_interrupt_on(GPIOB, PIN_DRDY);
    }
    if (is_serving == 0) { /* the interrupt itself asks for the time */
        is_serving = 1;
        emgrig_serve();
        is_serving = 0;
    }
    return (uint64_t)emgrig_now_us();
}
