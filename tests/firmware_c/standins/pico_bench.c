/* What the Pico SDK does, on the bench: SPI0, pins, the timer, and the interrupt of DRDY. */
#include "board_pins.h"
#include "emgrig_chip.h"
#include "hardware/spi.h"
#include "pico/stdlib.h"

spi_inst_t *spi0;

static void (*on_edge)(uint gpio, uint32_t events);
static uint32_t falls;
static bool is_serving;
static int mode = -1;
static uint baud;

static void serve(void)
{
    while ((on_edge != NULL) && !is_serving && (falls != emgrig_drdy_falls())) {
        falls++;
        is_serving = true; /* the interrupt asks for the time */
        on_edge(PIN_DRDY, GPIO_IRQ_EDGE_FALL);
        is_serving = false;
    }
}

void gpio_init(uint gpio) { (void)gpio; }
void gpio_set_dir(uint gpio, bool out) { (void)gpio, (void)out; }
void gpio_set_function(uint gpio, enum gpio_function fn) { (void)gpio, (void)fn; }

void gpio_put(uint gpio, bool value)
{
    if (gpio == PIN_CS) {
        (void)(value ? emgrig_deselect(0) : emgrig_select(0));
    } else if (gpio == PIN_START) {
        (void)emgrig_pin_set(0, "START", value);
    } else if (gpio == PIN_RESET) {
        (void)emgrig_pin_set(0, "RESET", value);
    } else if (gpio == PIN_PWDN) {
        (void)emgrig_pin_set(0, "PWDN", value);
    }
    serve();
}

void gpio_set_irq_enabled_with_callback(uint gpio, uint32_t events, bool enabled,
                                        void (*callback)(uint gpio, uint32_t events))
{
    falls = emgrig_drdy_falls();
    on_edge = ((gpio == PIN_DRDY) && (events == GPIO_IRQ_EDGE_FALL) && enabled) ? callback : NULL;
}

uint64_t time_us_64(void)
{
    const uint64_t time_us = (uint64_t)emgrig_now_us();
    serve();
    return time_us;
}

void busy_wait_us_32(uint32_t us)
{
    (void)emgrig_advance_us(us);
    serve();
}

uint spi_set_baudrate(spi_inst_t *spi, uint baudrate)
{
    (void)spi;
    baud = baudrate;
    emgrig_clocking(mode, baud);
    return baud;
}

uint spi_init(spi_inst_t *spi, uint baudrate) { return spi_set_baudrate(spi, baudrate); }

void spi_set_format(spi_inst_t *spi, uint bits, enum spi_cpol cpol, enum spi_cpha cpha,
                    enum spi_order order)
{
    (void)spi;
    mode = ((bits == 8u) && (cpol == SPI_CPOL_0) && (order == SPI_MSB_FIRST))
               ? ((cpha == SPI_CPHA_1) ? 1 : 0)
               : 3;
    emgrig_clocking(mode, baud);
}

int spi_write_read_blocking(spi_inst_t *spi, const uint8_t *src, uint8_t *dst, size_t len)
{
    (void)spi;
    (void)emgrig_exchange(src, dst, len);
    serve();
    return (int)len;
}

int spi_read_blocking(spi_inst_t *spi, uint8_t repeated, uint8_t *dst, size_t len)
{
    return (repeated == 0u) ? spi_write_read_blocking(spi, NULL, dst, len) : 0;
}

int spi_write_blocking(spi_inst_t *spi, const uint8_t *src, size_t len)
{
    return spi_write_read_blocking(spi, src, NULL, len);
}
