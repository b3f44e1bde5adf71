/* chips.c: see chips.h. One chip; CS by hand, so that it can be held after the last SCLK.
 *
 * Part of emgrig, MIT licence.
 */
#include "chips.h"

#include "board_pins.h"
#include "hardware/spi.h"
#include "pico/stdlib.h"

static struct emg_board *board;

static void on_drdy(uint pin, uint32_t events)
{
    (void)pin;
    (void)events;
    emg_drdy(board, time_us_64());
}

static uint64_t now_us(void *context)
{
    (void)context;
    return time_us_64();
}

static void delay_us(void *context, uint32_t us)
{
    (void)context;
    busy_wait_us_32(us);
}

static void idle_us(void *context, uint32_t us)
{
    (void)context;
    (void)us; /* the loop also feeds a UART of 32 bytes: it does not sleep */
}

static void transfer(void *context, uint32_t chips, const uint8_t *tx, uint8_t *rx, size_t n,
                     uint32_t sclk_hz, uint32_t hold_us)
{
    (void)context;
    (void)chips; /* there is one */
    (void)spi_set_baudrate(spi0, sclk_hz);
    gpio_put(PIN_CS, false);
    busy_wait_us_32(1);
    if (tx == NULL) {
        (void)spi_read_blocking(spi0, 0, rx, n);
    } else if (rx == NULL) {
        (void)spi_write_blocking(spi0, tx, n);
    } else {
        (void)spi_write_read_blocking(spi0, tx, rx, n);
    }
    busy_wait_us_32(hold_us);
    gpio_put(PIN_CS, true);
    busy_wait_us_32(hold_us);
}

static void line(void *context, enum emg_line which, bool is_high)
{
    static const uint8_t pins[] = {0, PIN_START, PIN_RESET, PIN_PWDN};
    (void)context;
    gpio_put(pins[which], is_high);
}

static void output(uint pin, bool level)
{
    gpio_init(pin);
    gpio_put(pin, level); /* first: RESET must not go low for a moment */
    gpio_set_dir(pin, GPIO_OUT);
}

void chips_begin(struct emg_hal *hal, struct emg_board *own)
{
    board = own;
    output(PIN_CS, true);
    output(PIN_START, false);
    output(PIN_RESET, true);
    output(PIN_PWDN, true);
    (void)spi_init(spi0, EMG_COMMAND_HZ);
    spi_set_format(spi0, 8, SPI_CPOL_0, SPI_CPHA_1, SPI_MSB_FIRST); /* mode 1 */
    gpio_set_function(PIN_MISO, GPIO_FUNC_SPI);
    gpio_set_function(PIN_SCLK, GPIO_FUNC_SPI);
    gpio_set_function(PIN_MOSI, GPIO_FUNC_SPI);
    gpio_init(PIN_DRDY);
    gpio_set_irq_enabled_with_callback(PIN_DRDY, GPIO_IRQ_EDGE_FALL, true, on_drdy);
    hal->now_us = now_us;
    hal->delay_us = delay_us;
    hal->idle_us = idle_us;
    hal->transfer = transfer;
    hal->line = line;
}
