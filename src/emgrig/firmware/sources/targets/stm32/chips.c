/* chips.c: see chips.h. One chip; CS by hand, so that it can be held after the last SCLK.
 *
 * Part of emgrig, MIT licence.
 */
#include "chips.h"

#include <string.h>

#include "board_pins.h"
#include "clock_us.h"

extern SPI_HandleTypeDef hspi1;

static struct emg_board *board;

void HAL_GPIO_EXTI_Callback(uint16_t pin)
{
    if ((pin == PIN_DRDY) && (board != NULL)) {
        emg_drdy(board, clock_us());
    }
}

static uint64_t now_us(void *context)
{
    (void)context;
    return clock_us();
}

static void delay_us(void *context, uint32_t us)
{
    (void)context;
    const uint64_t until_us = clock_us() + us + 1u;
    while (clock_us() < until_us) {
    }
}

static void idle_us(void *context, uint32_t us)
{
    (void)context;
    (void)us; /* the loop goes round; __WFI() saves power here */
}

static void clock_at(uint32_t prescaler)
{
    if (hspi1.Init.BaudRatePrescaler != prescaler) {
        hspi1.Init.BaudRatePrescaler = prescaler;
        (void)HAL_SPI_Init(&hspi1);
    }
}

static void transfer(void *context, uint32_t chips, const uint8_t *tx, uint8_t *rx, size_t n,
                     uint32_t sclk_hz, uint32_t hold_us)
{
    (void)chips; /* there is one */
    uint8_t out[64] = {0};
    uint8_t in[64];
    if (n > sizeof out) {
        return;
    }
    if (tx != NULL) {
        (void)memcpy(out, tx, n);
    }
    clock_at((sclk_hz > EMG_COMMAND_HZ) ? DATA_PRESCALER : COMMAND_PRESCALER);
    HAL_GPIO_WritePin(PORT_CS, PIN_CS, GPIO_PIN_RESET);
    (void)HAL_SPI_TransmitReceive(&hspi1, out, in, (uint16_t)n, 10);
    delay_us(context, hold_us);
    HAL_GPIO_WritePin(PORT_CS, PIN_CS, GPIO_PIN_SET);
    delay_us(context, hold_us);
    if (rx != NULL) {
        (void)memcpy(rx, in, n);
    }
}

static void line(void *context, enum emg_line which, bool is_high)
{
    const GPIO_PinState level = is_high ? GPIO_PIN_SET : GPIO_PIN_RESET;
    (void)context;
    if (which == EMG_LINE_START) {
        HAL_GPIO_WritePin(PORT_START, PIN_START, level);
    } else if (which == EMG_LINE_RESET) {
        HAL_GPIO_WritePin(PORT_RESET, PIN_RESET, level);
    } else {
        HAL_GPIO_WritePin(PORT_PWDN, PIN_PWDN, level);
    }
}

void chips_begin(struct emg_hal *hal, struct emg_board *own)
{
    board = own;
    hal->now_us = now_us;
    hal->delay_us = delay_us;
    hal->idle_us = idle_us;
    hal->transfer = transfer;
    hal->line = line;
}
