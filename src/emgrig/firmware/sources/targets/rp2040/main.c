/* main.c: the EMG board on an RP2040 (Raspberry Pi Pico): one ADS1299, the board link on UART0.
 *
 * Part of emgrig, MIT licence.
 */
#include "board_pins.h"
#include "chips.h"
#include "hardware/uart.h"
#include "hardware/watchdog.h"
#include "pico/stdlib.h"

#define BAUD 921600u

static struct emg_board board;
static uint64_t blinking_until_us;

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

static void reboot(void *context)
{
    (void)context;
    watchdog_reboot(0, 0, 0);
}

int main(void)
{
    static struct emg_hal hal = {
        .receive = receive_bytes, .send = send_bytes, .blink = blink, .reboot = reboot};
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
    gpio_init(PIN_LED);
    gpio_set_dir(PIN_LED, GPIO_OUT);
    chips_begin(&hal, &board);
    (void)uart_init(uart0, BAUD);
    gpio_set_function(PIN_TX, GPIO_FUNC_UART);
    gpio_set_function(PIN_RX, GPIO_FUNC_UART);
    emg_board_init(&board, &hal, &facts);
    emg_connected(&board, 0);
    emg_boot(&board, watchdog_caused_reboot() ? EMG_CAUSE_REQUESTED : EMG_CAUSE_POWER_ON);
    for (;;) {
        const uint64_t now = time_us_64();
        gpio_put(PIN_LED, (now < blinking_until_us) && (((now / 100000u) % 2u) == 0u));
        (void)emg_poll(&board);
    }
}
