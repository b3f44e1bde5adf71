/* clock_us.c: see clock_us.h. TIM2 of CubeMX: 32 bits, prescaler so that it counts at 1 MHz.
 *
 * Part of emgrig, MIT licence.
 */
#include "clock_us.h"

#include "main.h"

extern TIM_HandleTypeDef htim2;

uint64_t clock_us(void)
{
    static uint32_t last;
    static uint32_t turns;
    const uint32_t was_masked = __get_PRIMASK();
    __disable_irq(); /* the interrupt of DRDY asks too */
    const uint32_t now = __HAL_TIM_GET_COUNTER(&htim2);
    if (now < last) {
        turns++;
    }
    last = now;
    const uint64_t time_us = ((uint64_t)turns << 32) | now;
    if (was_masked == 0u) {
        __enable_irq();
    }
    return time_us;
}
