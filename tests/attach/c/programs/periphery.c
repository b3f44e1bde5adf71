/* c-periphery: the kernel drives CS; DRDY is line 17, START line 22. */
#include "gpio.h"
#include "spi.h"

#include <stdio.h>

int main(void)
{
    spi_t *spi = spi_new();
    gpio_t *drdy = gpio_new(), *start = gpio_new();
    uint8_t sdatac[1] = {0x11}, rdatac[1] = {0x10}, id[3] = {0x20, 0, 0}, frame[27];
    uint64_t before = 0, stamp;
    gpio_edge_t edge;
    bool level;
    int n;
    if (spi_open(spi, "/dev/spidev0.0", 4, 1000000) >= 0 || spi_transfer(spi, id, id, 3) >= 0) {
        return 1;
    }
    if (spi_open(spi, "/dev/spidev0.0", 1, 1000000) < 0) {
        return 2;
    }
    gpio_open(drdy, "/dev/gpiochip0", 17, GPIO_DIR_IN);
    gpio_open(start, "/dev/gpiochip0", 22, GPIO_DIR_OUT);
    if (gpio_write(drdy, true) >= 0 || gpio_poll(drdy, 0) >= 0) {
        return 3;
    }
    spi_transfer(spi, sdatac, sdatac, 1);
    spi_transfer(spi, id, id, 3);
    printf("id %02x\n", id[2]);
    gpio_set_edge(drdy, GPIO_EDGE_FALLING);
    printf("poll %d\n", gpio_poll(drdy, 20));
    gpio_write(start, true);
    spi_transfer(spi, rdatac, NULL, 1);
    for (n = 0; n < 4; n++) {
        gpio_read_event(drdy, &edge, &stamp);
        gpio_read(drdy, &level);
        spi_transfer(spi, NULL, frame, sizeof frame);
        printf("status %02x edge %d low %d us %d\n", frame[0], edge == GPIO_EDGE_FALLING, !level,
               n == 0 ? 0 : (int)((stamp - before) / 1000));
        before = stamp;
    }
    spi_close(spi);
    spi_free(spi);
    gpio_close(drdy);
    gpio_free(drdy);
    return 0;
}
