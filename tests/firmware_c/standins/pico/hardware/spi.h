#include "pico/stdlib.h"
typedef struct spi_inst spi_inst_t;
extern spi_inst_t *spi0;
enum spi_cpol { SPI_CPOL_0 };
enum spi_cpha { SPI_CPHA_0, SPI_CPHA_1 };
enum spi_order { SPI_LSB_FIRST, SPI_MSB_FIRST };
uint spi_init(spi_inst_t *spi, uint baudrate);
uint spi_set_baudrate(spi_inst_t *spi, uint baudrate);
void spi_set_format(spi_inst_t *spi, uint bits, enum spi_cpol cpol, enum spi_cpha cpha,
                    enum spi_order order);
int spi_read_blocking(spi_inst_t *spi, uint8_t repeated, uint8_t *dst, size_t len);
int spi_write_blocking(spi_inst_t *spi, const uint8_t *src, size_t len);
int spi_write_read_blocking(spi_inst_t *spi, const uint8_t *src, uint8_t *dst, size_t len);
