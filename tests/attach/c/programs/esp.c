/* ESP-IDF: CS is driven by the SPI driver (GPIO 5); DRDY (GPIO 4) wakes the task. */
#include "driver/gpio.h"
#include "driver/spi_master.h"
#include "esp_log.h"
#include "esp_rom_sys.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "freertos/task.h"

#include <string.h>

static const char *TAG = "emg";
static SemaphoreHandle_t ready;
static TaskHandle_t task;
static int by_notification;

static void IRAM_ATTR on_drdy(void *argument)
{
    BaseType_t woken = pdFALSE;
    (void)argument;
    if (by_notification) {
        vTaskNotifyGiveFromISR(task, &woken);
    } else {
        xSemaphoreGiveFromISR(ready, &woken);
    }
    portYIELD_FROM_ISR(woken);
}

void app_main(void)
{
    spi_device_handle_t chip;
    spi_bus_config_t bus = {.mosi_io_num = 23, .miso_io_num = 19, .sclk_io_num = 18,
                            .quadwp_io_num = -1, .quadhd_io_num = -1};
    spi_device_interface_config_t config = {.mode = 1, .clock_speed_hz = 2000000,
                                            .spics_io_num = 5, .queue_size = 2};
    spi_device_interface_config_t half = config;
    gpio_config_t pin = {.pin_bit_mask = 1ULL << 4, .mode = GPIO_MODE_INPUT,
                         .intr_type = GPIO_INTR_NEGEDGE};
    spi_transaction_t one, *same;
    uint8_t tx[27] = {0}, rx[27];
    int n;
    int64_t begin = esp_timer_get_time();
    vTaskDelay(pdMS_TO_TICKS(5)); /* nothing: less than a tick */
    ESP_LOGI(TAG, "short %d", (int)((esp_timer_get_time() - begin) / 1000));
    vTaskDelay(pdMS_TO_TICKS(150));
    ESP_LOGI(TAG, "long %d", (int)(esp_timer_get_time() / 1000));
    half.flags = SPI_DEVICE_HALFDUPLEX;
    ESP_LOGI(TAG, "half %x", (unsigned)spi_bus_add_device(SPI2_HOST, &half, &chip));
    ESP_ERROR_CHECK(spi_bus_initialize(SPI2_HOST, &bus, SPI_DMA_CH_AUTO));
    ESP_ERROR_CHECK(spi_bus_add_device(SPI2_HOST, &config, &chip));
    memset(&one, 0, sizeof one);
    one.flags = SPI_TRANS_USE_TXDATA | SPI_TRANS_USE_RXDATA;
    one.length = 8;
    one.tx_data[0] = 0x11;
    ESP_ERROR_CHECK(spi_device_polling_transmit(chip, &one));
    esp_rom_delay_us(2);
    one.length = 24;
    one.tx_data[0] = 0x20;
    ESP_ERROR_CHECK(spi_device_transmit(chip, &one));
    ESP_LOGI(TAG, "id %02x", one.rx_data[2]);
    ready = xSemaphoreCreateBinary();
    task = xTaskGetCurrentTaskHandle();
    ESP_LOGI(TAG, "in vain %d", (int)xSemaphoreTake(ready, 1));
    ESP_ERROR_CHECK(gpio_config(&pin));
    ESP_ERROR_CHECK(gpio_install_isr_service(0));
    ESP_ERROR_CHECK(gpio_isr_handler_add(GPIO_NUM_4, on_drdy, NULL));
    gpio_set_direction(GPIO_NUM_6, GPIO_MODE_OUTPUT);
    gpio_set_level(GPIO_NUM_6, 1);
    memset(&one, 0, sizeof one);
    one.flags = SPI_TRANS_USE_TXDATA;
    one.length = 8;
    one.tx_data[0] = 0x10;
    ESP_ERROR_CHECK(spi_device_transmit(chip, &one));
    memset(&one, 0, sizeof one);
    one.length = 8 * sizeof tx;
    one.tx_buffer = tx;
    one.rx_buffer = rx;
    for (n = 0; n < 6; n++) {
        by_notification = n >= 3;
        if (n < 3 ? !xSemaphoreTake(ready, portMAX_DELAY)
                  : !ulTaskNotifyTake(pdTRUE, pdMS_TO_TICKS(100))) {
            ESP_LOGE(TAG, "no DRDY");
        }
        ESP_ERROR_CHECK(spi_device_queue_trans(chip, &one, portMAX_DELAY));
        ESP_ERROR_CHECK(spi_device_get_trans_result(chip, &same, portMAX_DELAY));
        ESP_LOGI(TAG, "status %02x %d", rx[0], same == &one);
    }
}
