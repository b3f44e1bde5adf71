/* spi.h: c-periphery's SPI on the bench of emgrig_chip.h. The kernel drives CS: /dev/spidevB.N is
 * chip N. SPI_NO_CS (40h) as a flag leaves CS to your pins. Time is the bench's.
 *
 * Part of emgrig, MIT licence.
 */
#ifndef EMGRIG_PERIPHERY_SPI_H
#define EMGRIG_PERIPHERY_SPI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum spi_error_code { SPI_ERROR_ARG = -1, SPI_ERROR_OPEN = -2, SPI_ERROR_TRANSFER = -5,
                      SPI_ERROR_UNSUPPORTED = -7 };
typedef enum spi_bit_order { MSB_FIRST, LSB_FIRST } spi_bit_order_t;
typedef struct spi_handle spi_t;

spi_t *spi_new(void);
int spi_open(spi_t *spi, const char *path, unsigned int mode, uint32_t max_speed);
int spi_open_advanced(spi_t *spi, const char *path, unsigned int mode, uint32_t max_speed,
                      spi_bit_order_t bit_order, uint8_t bits_per_word, uint8_t extra_flags);
int spi_transfer(spi_t *spi, const uint8_t *txbuf, uint8_t *rxbuf, size_t len);
int spi_close(spi_t *spi);
void spi_free(spi_t *spi);
int spi_get_mode(spi_t *spi, unsigned int *mode);
int spi_get_max_speed(spi_t *spi, uint32_t *max_speed);
int spi_set_mode(spi_t *spi, unsigned int mode);
int spi_set_max_speed(spi_t *spi, uint32_t max_speed);
int spi_errno(spi_t *spi);
const char *spi_errmsg(spi_t *spi);

#ifdef __cplusplus
}
#endif
#endif
