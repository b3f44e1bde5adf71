/* chips.c: see chips.h. One chip; CS by hand, so that it can be held after the last SCLK.
 *
 * Part of emgrig, MIT licence.
 */
#include "chips.h"

#include <string.h>

#include "board_pins.h"
#include "driver/gpio.h"
#include "driver/spi_master.h"
#include "esp_attr.h"
#include "esp_rom_sys.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

static struct emg_board *board;
static spi_device_handle_t at_command_speed;
static spi_device_handle_t at_data_speed;
static TaskHandle_t task;

static void IRAM_ATTR on_drdy(void *argument)
{
    (void)argument;
    BaseType_t is_woken = pdFALSE;
    emg_drdy(board, (uint64_t)esp_timer_get_time());
    vTaskNotifyGiveFromISR(task, &is_woken);
    portYIELD_FROM_ISR(is_woken);
}

static uint64_t now_us(void *context)
{
    (void)context;
    return (uint64_t)esp_timer_get_time();
}

static void delay_us(void *context, uint32_t us)
{
    (void)context;
    const uint32_t tick_us = 1000000u / configTICK_RATE_HZ;
    if (us >= 2u * tick_us) {
        vTaskDelay((TickType_t)(us / tick_us + 1u));
    } else {
        esp_rom_delay_us(us);
    }
}

static void idle_us(void *context, uint32_t us)
{
    (void)context;
    (void)us;
    (void)ulTaskNotifyTake(pdTRUE, 1); /* until DRDY, a tick at most */
}

static void transfer(void *context, uint32_t chips, const uint8_t *tx, uint8_t *rx, size_t n,
                     uint32_t sclk_hz, uint32_t hold_us)
{
    (void)context;
    (void)chips; /* there is one */
    static uint32_t out[16]; /* static and aligned: within reach of DMA */
    static uint32_t in[16];
    if (n > sizeof out) {
        return;
    }
    (void)memset(out, 0, n);
    if (tx != NULL) {
        (void)memcpy(out, tx, n);
    }
    spi_transaction_t transaction = {.length = 8u * n, .tx_buffer = out, .rx_buffer = in};
    (void)gpio_set_level(PIN_CS, 0);
    (void)spi_device_polling_transmit(
        (sclk_hz > EMG_COMMAND_HZ) ? at_data_speed : at_command_speed, &transaction);
    esp_rom_delay_us(hold_us);
    (void)gpio_set_level(PIN_CS, 1);
    esp_rom_delay_us(hold_us);
    if (rx != NULL) {
        (void)memcpy(rx, in, n);
    }
}

static void line(void *context, enum emg_line which, bool is_high)
{
    (void)context;
    const int pins[] = {-1, PIN_START, PIN_RESET, PIN_PWDN};
    if (pins[which] >= 0) {
        (void)gpio_set_level((gpio_num_t)pins[which], is_high ? 1u : 0u);
    }
}

static spi_device_handle_t device(int hz)
{
    const spi_device_interface_config_t config = {
        .mode = 1, .clock_speed_hz = hz, .spics_io_num = -1, .queue_size = 1};
    spi_device_handle_t made = NULL;
    ESP_ERROR_CHECK(spi_bus_add_device(SPI2_HOST, &config, &made));
    return made;
}

static void output(int pin, uint32_t level)
{
    if (pin >= 0) {
        (void)gpio_set_level((gpio_num_t)pin, level); /* first: RESET must not go low for a moment */
        (void)gpio_set_direction((gpio_num_t)pin, GPIO_MODE_OUTPUT);
    }
}

void chips_begin(struct emg_hal *hal, struct emg_board *own)
{
    const spi_bus_config_t bus = {.mosi_io_num = PIN_MOSI,
                                  .miso_io_num = PIN_MISO,
                                  .sclk_io_num = PIN_SCLK,
                                  .quadwp_io_num = -1,
                                  .quadhd_io_num = -1};
    board = own;
    task = xTaskGetCurrentTaskHandle();
    output(PIN_CS, 1);
    output(PIN_START, 0);
    output(PIN_RESET, 1);
    output(PIN_PWDN, 1);
    ESP_ERROR_CHECK(spi_bus_initialize(SPI2_HOST, &bus, SPI_DMA_CH_AUTO));
    at_command_speed = device((int)EMG_COMMAND_HZ);
    at_data_speed = device((int)EMG_DATA_HZ);
    (void)gpio_set_direction(PIN_DRDY, GPIO_MODE_INPUT);
    (void)gpio_set_intr_type(PIN_DRDY, GPIO_INTR_NEGEDGE);
    (void)gpio_install_isr_service(0);
    (void)gpio_isr_handler_add(PIN_DRDY, on_drdy, NULL);
    hal->now_us = now_us;
    hal->delay_us = delay_us;
    hal->idle_us = idle_us;
    hal->transfer = transfer;
    hal->line = line;
}
