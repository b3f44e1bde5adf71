/* main.c: the EMG board on an ESP32: one ADS1299, the board link over Wi-Fi and TCP.
 *
 * Part of emgrig, MIT licence.
 */
#include "board_pins.h"
#include "chips.h"
#include "driver/gpio.h"
#include "esp_system.h"
#include "esp_timer.h"
#include "wifi_link.h"

static struct emg_board board;
static int64_t blinking_until_us;

static void blink(void *context, uint16_t ms)
{
    (void)context;
    blinking_until_us = esp_timer_get_time() + 1000 * (int64_t)ms;
}

static void reboot(void *context)
{
    (void)context;
    esp_restart();
}

static void light(void)
{
    const int64_t now_us = esp_timer_get_time();
    const bool is_lit = (now_us < blinking_until_us) && ((now_us / 100000) % 2 == 0);
    (void)gpio_set_level(PIN_LED, is_lit ? 1u : 0u);
}

static enum emg_cause cause(void)
{
    switch (esp_reset_reason()) {
    case ESP_RST_BROWNOUT:
        return EMG_CAUSE_BROWN_OUT;
    case ESP_RST_SW:
        return EMG_CAUSE_REQUESTED;
    case ESP_RST_TASK_WDT:
    case ESP_RST_INT_WDT:
    case ESP_RST_WDT:
    case ESP_RST_PANIC:
        return EMG_CAUSE_WATCHDOG;
    case ESP_RST_EXT:
        return EMG_CAUSE_RESET_PIN;
    default:
        return EMG_CAUSE_POWER_ON;
    }
}

void app_main(void)
{
    static const struct emg_facts facts = {
        .serial_number = "0001", /* of this board: give each its own */
        .firmware_version = "1.0.0",
        .git_revision = "not told",
        .n_chips = 1,
        .channels_per_chip = 8,
        .lines = ((PIN_START >= 0) ? 1u : 0u) | ((PIN_RESET >= 0) ? 2u : 0u) |
                 ((PIN_PWDN >= 0) ? 4u : 0u),
        .f_clk_hz = 2048000,
        .vref_uv = 4500000,
        .channels_wired = 0xFF,
        .capabilities = EMG_CAN_SET_LINE | EMG_CAN_IDENTIFY | EMG_CAN_REBOOT,
        .transmit_bytes = EMG_TX_BYTES,
        .linger_us = 60000000u,
    };
    static struct emg_hal hal = {.blink = blink, .reboot = reboot};
    (void)gpio_set_direction(PIN_LED, GPIO_MODE_OUTPUT);
    chips_begin(&hal, &board);
    wifi_link_begin(&hal, &board);
    emg_board_init(&board, &hal, &facts);
    emg_boot(&board, cause());
    for (;;) {
        wifi_link_poll();
        light();
        if (!emg_poll(&board)) {
            hal.idle_us(NULL, 1000);
        }
    }
}
