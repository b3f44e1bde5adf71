/* emgrig_esp.c: see driver/spi_master.h. The program ends when app_main returns, or after 10 s of
 * the bench, or so many as EMGRIG_SECONDS says.
 *
 * Part of emgrig, MIT licence.
 */
#include "driver/gpio.h"
#include "driver/spi_master.h"
#include "esp_rom_sys.h"
#include "esp_timer.h"
#include "freertos/semphr.h"
#include "freertos/task.h"

#include <string.h>

#define MOST_PIN GPIO_NUM_MAX
#define MOST_DEVICES 8
#define MOST_QUEUED 16

#ifdef __cplusplus
extern "C"
#endif
void app_main(void);

int main(void)
{
    emgrig_stop_after_s(10.0);
    app_main();
    return 0;
}

/* ---- pins ---- */

static struct {
    gpio_mode_t mode;
    gpio_int_type_t edge;
    gpio_isr_t handler;
    void *argument;
    int is_off; /* by gpio_intr_disable */
    int latch;
} pins[MOST_PIN];

static int is_pin(gpio_num_t pin) { return (int)pin >= 0 && (int)pin < MOST_PIN; }

static void connect(gpio_num_t pin)
{
    int is_on = pins[pin].edge != GPIO_INTR_DISABLE && !pins[pin].is_off;
    if (pins[pin].handler != NULL) {
        emgrig_on_fall(pin, is_on ? pins[pin].handler : NULL, pins[pin].argument);
    }
}

esp_err_t gpio_set_intr_type(gpio_num_t pin, gpio_int_type_t type)
{
    if (!is_pin(pin)) {
        return ESP_ERR_INVALID_ARG;
    }
    if (type != GPIO_INTR_DISABLE && type != GPIO_INTR_NEGEDGE) {
        return ESP_ERR_NOT_SUPPORTED;
    }
    pins[pin].edge = type;
    connect(pin);
    return ESP_OK;
}

esp_err_t gpio_set_direction(gpio_num_t pin, gpio_mode_t mode)
{
    if (!is_pin(pin)) {
        return ESP_ERR_INVALID_ARG;
    }
    pins[pin].mode = mode;
    if ((mode & GPIO_MODE_OUTPUT) != 0) {
        emgrig_pin_write(pin, pins[pin].latch);
    }
    return ESP_OK;
}

esp_err_t gpio_config(const gpio_config_t *config)
{
    int number;
    for (number = 0; number < MOST_PIN; number++) {
        if ((config->pin_bit_mask >> number & 1) != 0) {
            esp_err_t made = gpio_set_direction((gpio_num_t)number, config->mode);
            made = made == ESP_OK ? gpio_set_intr_type((gpio_num_t)number, config->intr_type) : made;
            if (made != ESP_OK) {
                return made;
            }
        }
    }
    return ESP_OK;
}

esp_err_t gpio_reset_pin(gpio_num_t pin) { return gpio_set_direction(pin, GPIO_MODE_DISABLE); }

esp_err_t gpio_set_level(gpio_num_t pin, uint32_t level)
{
    if (!is_pin(pin)) {
        return ESP_ERR_INVALID_ARG;
    }
    pins[pin].latch = level != 0;
    if ((pins[pin].mode & GPIO_MODE_OUTPUT) != 0) {
        emgrig_pin_write(pin, level != 0);
    }
    return ESP_OK;
}

int gpio_get_level(gpio_num_t pin) { return is_pin(pin) ? emgrig_pin_read(pin) : 0; }

esp_err_t gpio_intr_enable(gpio_num_t pin)
{
    if (!is_pin(pin)) {
        return ESP_ERR_INVALID_ARG;
    }
    pins[pin].is_off = 0;
    connect(pin);
    return ESP_OK;
}

esp_err_t gpio_intr_disable(gpio_num_t pin)
{
    if (!is_pin(pin)) {
        return ESP_ERR_INVALID_ARG;
    }
    pins[pin].is_off = 1;
    connect(pin);
    return ESP_OK;
}

esp_err_t gpio_install_isr_service(int flags)
{
    (void)flags;
    return ESP_OK;
}

esp_err_t gpio_isr_handler_add(gpio_num_t pin, gpio_isr_t handler, void *argument)
{
    if (!is_pin(pin)) {
        return ESP_ERR_INVALID_ARG;
    }
    pins[pin].handler = handler;
    pins[pin].argument = argument;
    connect(pin);
    return ESP_OK;
}

esp_err_t gpio_isr_handler_remove(gpio_num_t pin)
{
    if (!is_pin(pin)) {
        return ESP_ERR_INVALID_ARG;
    }
    pins[pin].handler = NULL;
    emgrig_on_fall(pin, NULL, NULL);
    return ESP_OK;
}

/* ---- SPI ---- */

struct spi_device_t {
    spi_device_interface_config_t config;
    int is_used;
    int is_kept; /* CS, by SPI_TRANS_CS_KEEP_ACTIVE */
    spi_transaction_t *queue[MOST_QUEUED];
    int n_queued;
};

static struct spi_device_t devices[MOST_DEVICES];

esp_err_t spi_bus_initialize(spi_host_device_t host, const spi_bus_config_t *config, int dma)
{
    (void)host;
    (void)dma;
    return config != NULL ? ESP_OK : ESP_ERR_INVALID_ARG;
}

esp_err_t spi_bus_free(spi_host_device_t host)
{
    (void)host;
    return ESP_OK;
}

esp_err_t spi_bus_add_device(spi_host_device_t host, const spi_device_interface_config_t *config,
                             spi_device_handle_t *handle)
{
    int i;
    const uint32_t not_here =
        SPI_DEVICE_TXBIT_LSBFIRST | SPI_DEVICE_RXBIT_LSBFIRST | SPI_DEVICE_HALFDUPLEX;
    (void)host;
    if (config->mode > 3 || config->clock_speed_hz <= 0) {
        return ESP_ERR_INVALID_ARG;
    }
    if (config->command_bits != 0 || config->address_bits != 0 || config->dummy_bits != 0 ||
        (config->flags & not_here) != 0) {
        return ESP_ERR_NOT_SUPPORTED;
    }
    for (i = 0; i < MOST_DEVICES; i++) {
        if (!devices[i].is_used) {
            memset(&devices[i], 0, sizeof devices[i]);
            devices[i].config = *config;
            devices[i].is_used = 1;
            *handle = &devices[i];
            return ESP_OK;
        }
    }
    return ESP_ERR_NO_MEM;
}

esp_err_t spi_bus_remove_device(spi_device_handle_t handle)
{
    handle->is_used = 0;
    return ESP_OK;
}

esp_err_t spi_device_transmit(spi_device_handle_t handle, spi_transaction_t *transaction)
{
    const spi_device_interface_config_t *config = &handle->config;
    size_t n = transaction->length / 8;
    int cs = config->spics_io_num >= 0 ? emgrig_cs_of(config->spics_io_num) : -1;
    int keeps = (transaction->flags & SPI_TRANS_CS_KEEP_ACTIVE) != 0;
    const void *tx = transaction->tx_buffer;
    void *rx = transaction->rx_buffer;
    if (transaction->length % 8 != 0) {
        return ESP_ERR_NOT_SUPPORTED;
    }
    if ((transaction->flags & SPI_TRANS_USE_TXDATA) != 0) {
        tx = transaction->tx_data;
    }
    if ((transaction->flags & SPI_TRANS_USE_RXDATA) != 0) {
        rx = transaction->rx_data;
    }
    if ((tx == transaction->tx_data || rx == transaction->rx_data) && n > 4) {
        return ESP_ERR_INVALID_ARG;
    }
    if (config->pre_cb != NULL) {
        config->pre_cb(transaction);
    }
    if (cs < 0) {
        emgrig_spi(config->mode, config->clock_speed_hz, tx, rx, n);
    } else if (!keeps && !handle->is_kept && config->cs_ena_posttrans == 0) {
        emgrig_spi_chip(cs, config->mode, config->clock_speed_hz, tx, rx, n);
    } else {
        emgrig_select(cs);
        emgrig_spi(config->mode, config->clock_speed_hz, tx, rx, n);
        handle->is_kept = keeps;
        if (!keeps) {
            emgrig_pass_us(config->cs_ena_posttrans * 1e6 / config->clock_speed_hz);
            emgrig_deselect(cs);
        }
    }
    if (config->post_cb != NULL) {
        config->post_cb(transaction);
    }
    return ESP_OK;
}

esp_err_t spi_device_polling_transmit(spi_device_handle_t handle, spi_transaction_t *transaction)
{
    return spi_device_transmit(handle, transaction);
}

esp_err_t spi_device_queue_trans(spi_device_handle_t handle, spi_transaction_t *transaction,
                                 TickType_t ticks)
{
    esp_err_t made;
    (void)ticks;
    if (handle->n_queued == MOST_QUEUED || handle->n_queued >= handle->config.queue_size) {
        return ESP_ERR_TIMEOUT;
    }
    made = spi_device_transmit(handle, transaction);
    if (made == ESP_OK) {
        handle->queue[handle->n_queued++] = transaction;
    }
    return made;
}

esp_err_t spi_device_get_trans_result(spi_device_handle_t handle, spi_transaction_t **transaction,
                                      TickType_t ticks)
{
    (void)ticks;
    if (handle->n_queued == 0) {
        return ESP_ERR_TIMEOUT;
    }
    *transaction = handle->queue[0];
    handle->n_queued--;
    memmove(handle->queue, handle->queue + 1, (size_t)handle->n_queued * sizeof handle->queue[0]);
    return ESP_OK;
}

esp_err_t spi_device_acquire_bus(spi_device_handle_t handle, TickType_t ticks)
{
    (void)handle;
    (void)ticks;
    return ESP_OK;
}

void spi_device_release_bus(spi_device_handle_t handle) { (void)handle; }

/* ---- time ---- */

static double now_us(void)
{
    double now = emgrig_now_us();
    emgrig_serve();
    return now;
}

int64_t esp_timer_get_time(void) { return (int64_t)now_us(); }
void esp_rom_delay_us(uint32_t us) { emgrig_pass_us(us); }

#define TICK_US (1e6 / configTICK_RATE_HZ)

TickType_t xTaskGetTickCount(void) { return (TickType_t)(now_us() / TICK_US); }

void vTaskDelay(TickType_t ticks)
{
    double now = now_us();
    double end = ((double)(int64_t)(now / TICK_US) + ticks) * TICK_US;
    if (end > now) {
        emgrig_pass_us(end - now);
    } else {
        emgrig_idle_us(1.0);
    }
}

/* Wait until `flag` is set by an interrupt; its value, which is 0 if time is over. */
static uint32_t wait_for(volatile uint32_t *flag, TickType_t ticks)
{
    double end = ticks == portMAX_DELAY ? 1e15 : now_us() + ticks * TICK_US;
    while (*flag == 0 && now_us() < end) {
        double left = end - now_us();
        emgrig_idle_us(left < 1e6 ? left : 1e6);
    }
    return *flag;
}

struct emgrig_semaphore {
    volatile uint32_t n;
};

SemaphoreHandle_t xSemaphoreCreateBinary(void)
{
    return (SemaphoreHandle_t)calloc(1, sizeof(struct emgrig_semaphore));
}

BaseType_t xSemaphoreGive(SemaphoreHandle_t semaphore)
{
    BaseType_t was_free = semaphore->n == 0 ? pdTRUE : pdFALSE;
    semaphore->n = 1;
    return was_free;
}

BaseType_t xSemaphoreGiveFromISR(SemaphoreHandle_t semaphore, BaseType_t *woken)
{
    if (woken != NULL) {
        *woken = pdTRUE;
    }
    return xSemaphoreGive(semaphore);
}

BaseType_t xSemaphoreTake(SemaphoreHandle_t semaphore, TickType_t ticks)
{
    BaseType_t taken = wait_for(&semaphore->n, ticks) != 0 ? pdTRUE : pdFALSE;
    semaphore->n = 0;
    return taken;
}

static volatile uint32_t n_notified;

TaskHandle_t xTaskGetCurrentTaskHandle(void) { return (TaskHandle_t)&n_notified; }

void vTaskNotifyGiveFromISR(TaskHandle_t task, BaseType_t *woken)
{
    (void)task;
    n_notified++;
    if (woken != NULL) {
        *woken = pdTRUE;
    }
}

uint32_t ulTaskNotifyTake(BaseType_t clear, TickType_t ticks)
{
    uint32_t n = wait_for(&n_notified, ticks);
    if (n != 0) {
        n_notified = clear ? 0 : n - 1;
    }
    return n;
}
