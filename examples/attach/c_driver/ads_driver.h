/* A small ADS1299 driver that knows no processor: the board gives it four functions. */
#ifndef ADS_DRIVER_H
#define ADS_DRIVER_H

#include <stddef.h>
#include <stdint.h>

#define ADS_CHANNELS 8

typedef struct {
    /* CS low, n bytes both ways at up to 4 MHz in SPI mode 1, 2 us, CS high. */
    void (*transfer)(const uint8_t *tx, uint8_t *rx, size_t n);
    void (*delay_us)(uint32_t us);
    void (*set_start)(int level);
    /* 1 when DRDY falls, 0 after `timeout_us` without. */
    int (*wait_drdy)(uint32_t timeout_us);
} ads_board;

/* 0, or -1 if the chip does not answer as an ADS1299 with 8 channels. */
int ads_begin(const ads_board *board, int gain);
/* Wait for a result; uV at the inputs. 0, or -1 if none comes. */
int ads_read_uv(const ads_board *board, float uv[ADS_CHANNELS]);

#endif
