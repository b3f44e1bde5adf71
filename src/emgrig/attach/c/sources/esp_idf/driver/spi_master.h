/* spi_master.h: ESP-IDF's SPI on the bench of emgrig_chip.h.
 *
 * A device of which spics_io_num is the pin that is a chip's CS (-DEMGRIG_PIN_CS=5) has its CS
 * driven; with -1 your code drives it by gpio_set_level. A transaction is done when the call
 * returns, the queued ones too. Commands, addresses and dummy bits, half duplex and the least
 * significant bit first are refused with ESP_ERR_NOT_SUPPORTED. Time is the bench's.
 *
 * Part of emgrig, MIT licence.
 */
#ifndef DRIVER_SPI_MASTER_H
#define DRIVER_SPI_MASTER_H

#include <stddef.h>
#include <stdint.h>

#include "emgrig_shim.h"
#include "esp_attr.h"
#include "esp_err.h"
#include "freertos/FreeRTOS.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum { SPI1_HOST = 0, SPI2_HOST = 1, SPI3_HOST = 2 } spi_host_device_t;
#define HSPI_HOST SPI2_HOST
#define VSPI_HOST SPI3_HOST
#define SPI_DMA_DISABLED 0
#define SPI_DMA_CH_AUTO 3
#define SPI_MASTER_FREQ_8M 8000000
#define SPI_MASTER_FREQ_10M 10000000
#define SPI_MASTER_FREQ_20M 20000000

typedef struct {
    int mosi_io_num;
    int miso_io_num;
    int sclk_io_num;
    int quadwp_io_num;
    int quadhd_io_num;
    int max_transfer_sz;
    uint32_t flags;
    int intr_flags;
} spi_bus_config_t;

#define SPI_DEVICE_TXBIT_LSBFIRST (1 << 0)
#define SPI_DEVICE_RXBIT_LSBFIRST (1 << 1)
#define SPI_DEVICE_HALFDUPLEX (1 << 4)
#define SPI_DEVICE_NO_DUMMY (1 << 6)

#define SPI_TRANS_USE_RXDATA (1 << 2)
#define SPI_TRANS_USE_TXDATA (1 << 3)
#define SPI_TRANS_CS_KEEP_ACTIVE (1 << 8)

struct spi_transaction_t {
    uint32_t flags;
    uint16_t cmd;
    uint64_t addr;
    size_t length; /* bits */
    size_t rxlength;
    void *user;
    union {
        const void *tx_buffer;
        uint8_t tx_data[4];
    };
    union {
        void *rx_buffer;
        uint8_t rx_data[4];
    };
};
typedef struct spi_transaction_t spi_transaction_t;
typedef void (*transaction_cb_t)(spi_transaction_t *transaction);

typedef struct {
    uint8_t command_bits;
    uint8_t address_bits;
    uint8_t dummy_bits;
    uint8_t mode;
    int clock_source;
    uint16_t duty_cycle_pos;
    uint16_t cs_ena_pretrans;
    uint8_t cs_ena_posttrans; /* SCLK periods from the last one to CS high */
    int clock_speed_hz;
    int input_delay_ns;
    int spics_io_num;
    uint32_t flags;
    int queue_size;
    transaction_cb_t pre_cb;
    transaction_cb_t post_cb;
} spi_device_interface_config_t;

typedef struct spi_device_t *spi_device_handle_t;

esp_err_t spi_bus_initialize(spi_host_device_t host, const spi_bus_config_t *config, int dma);
esp_err_t spi_bus_free(spi_host_device_t host);
esp_err_t spi_bus_add_device(spi_host_device_t host, const spi_device_interface_config_t *config,
                             spi_device_handle_t *handle);
esp_err_t spi_bus_remove_device(spi_device_handle_t handle);
esp_err_t spi_device_transmit(spi_device_handle_t handle, spi_transaction_t *transaction);
esp_err_t spi_device_polling_transmit(spi_device_handle_t handle, spi_transaction_t *transaction);
esp_err_t spi_device_queue_trans(spi_device_handle_t handle, spi_transaction_t *transaction,
                                 TickType_t ticks);
esp_err_t spi_device_get_trans_result(spi_device_handle_t handle, spi_transaction_t **transaction,
                                      TickType_t ticks);
esp_err_t spi_device_acquire_bus(spi_device_handle_t handle, TickType_t ticks);
void spi_device_release_bus(spi_device_handle_t handle);

#ifdef __cplusplus
}
#endif
#endif
