/* main.c: the EMG board on an RP2040 (Raspberry Pi Pico): one ADS1299, the board link on UART0.
 *
 * Part of emgrig, MIT licence.
 */
#include "emg_board.h"
#include "hardware/spi.h"
#include "hardware/uart.h"
#include "hardware/watchdog.h"
#include "pico/stdlib.h"

#define BAUD 921600u
#define PIN_TX 0u /* to the PC's RX */
#define PIN_RX 1u
#define PIN_MISO 16u /* DOUT of the ADS1299 */
#define PIN_CS 17u
#define PIN_SCLK 18u
#define PIN_MOSI 19u /* DIN */
#define PIN_DRDY 20u
#define PIN_START 21u
#define PIN_RESET 22u
#define PIN_PWDN 26u
#define PIN_LED 25u

static struct emg_board board;
static uint64_t blinking_until_us;

static void on_drdy(uint pin, uint32_t events)
{
    (void)pin;
    (void)events;
    emg_drdy(&board, time_us_64());
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

static size_t receive_bytes(void *context, uint8_t link, uint8_t *bytes, size_t n)
{
    (void)context;
    (void)link;
    size_t taken = 0;
    while ((taken < n) && uart_is_readable(uart0)) {
        bytes[taken] = (uint8_t)uart_getc(uart0);
        taken++;
    }
    return taken;
}

static size_t send_bytes(void *context, uint8_t link, const uint8_t *bytes, size_t n)
{
    (void)context;
    (void)link;
    size_t taken = 0;
    while ((taken < n) && uart_is_writable(uart0)) {
        uart_putc_raw(uart0, (char)bytes[taken]);
        taken++;
    }
    return taken;
}

static void blink(void *context, uint16_t ms)
{
    (void)context;
    blinking_until_us = time_us_64() + 1000u * (uint64_t)ms;
}

static void show(void *context, uint32_t count)
{
    (void)context;
    (void)count; /* no digital tube; HELLO says so */
}

static void reboot(void *context)
{
    (void)context;
    watchdog_reboot(0, 0, 0);
}

static void output(uint pin, bool level)
{
    gpio_init(pin);
    gpio_put(pin, level); /* first: RESET must not go low for a moment */
    gpio_set_dir(pin, GPIO_OUT);
}

int main(void)
{
    static const struct emg_hal hal = {NULL, now_us, delay_us, idle_us, transfer, line,
                                       receive_bytes, send_bytes, blink, show, reboot};
    static const struct emg_facts facts = {
        .serial_number = "0001", /* of this board: give each its own */
        .firmware_version = "1.0.0",
        .git_revision = "not told",
        .n_chips = 1,
        .channels_per_chip = 8,
        .lines = 7,
        .f_clk_hz = 2048000,
        .vref_uv = 4500000,
        .channels_wired = 0xFF,
        .capabilities = EMG_CAN_SET_LINE | EMG_CAN_IDENTIFY | EMG_CAN_REBOOT,
        .transmit_bytes = EMG_TX_BYTES,
        .linger_us = 60000000u,
    };
    output(PIN_CS, true);
    output(PIN_START, false);
    output(PIN_RESET, true);
    output(PIN_PWDN, true);
    output(PIN_LED, false);
    (void)spi_init(spi0, EMG_COMMAND_HZ);
    spi_set_format(spi0, 8, SPI_CPOL_0, SPI_CPHA_1, SPI_MSB_FIRST); /* mode 1 */
    gpio_set_function(PIN_MISO, GPIO_FUNC_SPI);
    gpio_set_function(PIN_SCLK, GPIO_FUNC_SPI);
    gpio_set_function(PIN_MOSI, GPIO_FUNC_SPI);
    (void)uart_init(uart0, BAUD);
    gpio_set_function(PIN_TX, GPIO_FUNC_UART);
    gpio_set_function(PIN_RX, GPIO_FUNC_UART);
    emg_board_init(&board, &hal, &facts);
    gpio_init(PIN_DRDY);
    gpio_set_irq_enabled_with_callback(PIN_DRDY, GPIO_IRQ_EDGE_FALL, true, on_drdy);
    emg_connected(&board, 0);
    emg_boot(&board, watchdog_caused_reboot() ? EMG_CAUSE_REQUESTED : EMG_CAUSE_POWER_ON);
    for (;;) {
        const uint64_t now = time_us_64();
        gpio_put(PIN_LED, (now < blinking_until_us) && (((now / 100000u) % 2u) == 0u));
        (void)emg_poll(&board);
    }
}
