/* emgrig_periphery.c: see spi.h and gpio.h.
 *
 * Part of emgrig, MIT licence.
 */
#include "gpio.h"
#include "spi.h"

#include "emgrig_shim.h"

#include <stdlib.h>
#include <string.h>

/* ---- SPI ---- */

#define NO_CS 0x40

struct spi_handle {
    int chip;
    int is_open;
    int has_no_cs;
    unsigned int mode;
    uint32_t max_speed;
    const char *error;
};

static int refuse(const char **where, int code, const char *text)
{
    *where = text;
    return code;
}

spi_t *spi_new(void)
{
    spi_t *spi = (spi_t *)calloc(1, sizeof *spi);
    if (spi != NULL) {
        spi->error = "";
    }
    return spi;
}

void spi_free(spi_t *spi) { free(spi); }

int spi_open_advanced(spi_t *spi, const char *path, unsigned int mode, uint32_t max_speed,
                      spi_bit_order_t bit_order, uint8_t bits_per_word, uint8_t extra_flags)
{
    const char *number = strrchr(path, '.');
    if (mode > 3 || max_speed == 0 || number == NULL) {
        return refuse(&spi->error, SPI_ERROR_ARG, "mode 0 to 3, a speed, and /dev/spidevB.N");
    }
    if (bit_order != MSB_FIRST || bits_per_word != 8 || (extra_flags & ~NO_CS) != 0) {
        return refuse(&spi->error, SPI_ERROR_UNSUPPORTED, "only 8 bits, MSB first, SPI_NO_CS");
    }
    spi->chip = atoi(number + 1);
    spi->mode = mode;
    spi->max_speed = max_speed;
    spi->has_no_cs = extra_flags != 0;
    spi->is_open = 1;
    return 0;
}

int spi_open(spi_t *spi, const char *path, unsigned int mode, uint32_t max_speed)
{
    return spi_open_advanced(spi, path, mode, max_speed, MSB_FIRST, 8, 0);
}

int spi_transfer(spi_t *spi, const uint8_t *txbuf, uint8_t *rxbuf, size_t len)
{
    if (!spi->is_open) {
        return refuse(&spi->error, SPI_ERROR_TRANSFER, "the device is not open");
    }
    if (spi->has_no_cs) {
        emgrig_spi((int)spi->mode, spi->max_speed, txbuf, rxbuf, len);
    } else {
        emgrig_spi_chip(spi->chip, (int)spi->mode, spi->max_speed, txbuf, rxbuf, len);
    }
    return 0;
}

int spi_close(spi_t *spi)
{
    spi->is_open = 0;
    return 0;
}

int spi_get_mode(spi_t *spi, unsigned int *mode)
{
    *mode = spi->mode;
    return 0;
}

int spi_get_max_speed(spi_t *spi, uint32_t *max_speed)
{
    *max_speed = spi->max_speed;
    return 0;
}

int spi_set_mode(spi_t *spi, unsigned int mode)
{
    if (mode > 3) {
        return refuse(&spi->error, SPI_ERROR_ARG, "mode 0 to 3");
    }
    spi->mode = mode;
    return 0;
}

int spi_set_max_speed(spi_t *spi, uint32_t max_speed)
{
    if (max_speed == 0) {
        return refuse(&spi->error, SPI_ERROR_ARG, "a speed above 0");
    }
    spi->max_speed = max_speed;
    return 0;
}

int spi_errno(spi_t *spi)
{
    (void)spi;
    return 0;
}

const char *spi_errmsg(spi_t *spi) { return spi->error; }

/* ---- pins ---- */

struct gpio_handle {
    int line;
    int is_open;
    int is_output;
    int has_edge;
    uint32_t n_waiting; /* events not read yet */
    uint64_t stamp_ns;
    const char *error;
};

static void note_event(void *argument)
{
    gpio_t *gpio = (gpio_t *)argument;
    gpio->n_waiting++;
    gpio->stamp_ns = (uint64_t)(emgrig_now_us() * 1e3);
}

gpio_t *gpio_new(void)
{
    gpio_t *gpio = (gpio_t *)calloc(1, sizeof *gpio);
    if (gpio != NULL) {
        gpio->error = "";
    }
    return gpio;
}

void gpio_free(gpio_t *gpio) { free(gpio); }

int gpio_set_direction(gpio_t *gpio, gpio_direction_t direction)
{
    gpio->is_output = direction != GPIO_DIR_IN;
    if (gpio->is_output) {
        emgrig_pin_write(gpio->line, direction == GPIO_DIR_OUT_HIGH);
    }
    return 0;
}

int gpio_open_sysfs(gpio_t *gpio, unsigned int line, gpio_direction_t direction)
{
    gpio->line = (int)line;
    gpio->is_open = 1;
    return gpio_set_direction(gpio, direction);
}

int gpio_open(gpio_t *gpio, const char *path, unsigned int line, gpio_direction_t direction)
{
    (void)path;
    return gpio_open_sysfs(gpio, line, direction);
}

int gpio_read(gpio_t *gpio, bool *value)
{
    *value = emgrig_pin_read(gpio->line) != 0;
    return 0;
}

int gpio_write(gpio_t *gpio, bool value)
{
    if (!gpio->is_output) {
        return refuse(&gpio->error, GPIO_ERROR_INVALID_OPERATION, "the line is an input");
    }
    emgrig_pin_write(gpio->line, value);
    return 0;
}

int gpio_set_edge(gpio_t *gpio, gpio_edge_t edge)
{
    if (edge != GPIO_EDGE_NONE && edge != GPIO_EDGE_FALLING) {
        return refuse(&gpio->error, GPIO_ERROR_UNSUPPORTED, "only falls of DRDY");
    }
    gpio->has_edge = edge == GPIO_EDGE_FALLING;
    gpio->n_waiting = 0;
    emgrig_on_fall(gpio->line, gpio->has_edge ? note_event : NULL, gpio);
    return 0;
}

int gpio_poll(gpio_t *gpio, int timeout_ms)
{
    double end = timeout_ms < 0 ? 1e15 : emgrig_now_us() + timeout_ms * 1e3;
    if (!gpio->has_edge) {
        return refuse(&gpio->error, GPIO_ERROR_INVALID_OPERATION, "no edge is asked for");
    }
    emgrig_serve();
    while (gpio->n_waiting == 0 && emgrig_now_us() < end) {
        double left = end - emgrig_now_us();
        emgrig_idle_us(left < 1e6 ? left : 1e6);
    }
    return gpio->n_waiting != 0;
}

int gpio_read_event(gpio_t *gpio, gpio_edge_t *edge, uint64_t *timestamp)
{
    int seen = gpio_poll(gpio, -1);
    if (seen < 0) {
        return seen;
    }
    gpio->n_waiting--;
    if (edge != NULL) {
        *edge = GPIO_EDGE_FALLING;
    }
    if (timestamp != NULL) {
        *timestamp = gpio->stamp_ns;
    }
    return 0;
}

int gpio_close(gpio_t *gpio)
{
    if (gpio->has_edge) {
        gpio_set_edge(gpio, GPIO_EDGE_NONE);
    }
    gpio->is_open = 0;
    return 0;
}

unsigned int gpio_line(gpio_t *gpio) { return (unsigned int)gpio->line; }

int gpio_errno(gpio_t *gpio)
{
    (void)gpio;
    return 0;
}

const char *gpio_errmsg(gpio_t *gpio) { return gpio->error; }
