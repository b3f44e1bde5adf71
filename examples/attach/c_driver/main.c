/* The driver on the bench of emgrig: the board's four functions, and a second of EMG. */
#include "ads_driver.h"
#include "emgrig_chip.h"

#include <stdio.h>

static void transfer(const uint8_t *tx, uint8_t *rx, size_t n)
{
    emgrig_select(0);
    emgrig_exchange(tx, rx, n);
    emgrig_advance_us(2);
    emgrig_deselect(0);
    emgrig_advance_us(2);
}

static void delay_us(uint32_t us) { emgrig_advance_us(us); }
static void set_start(int level) { emgrig_pin_set(0, "START", level); }
static int wait_drdy(uint32_t timeout_us) { return emgrig_wait_drdy(0, 1, timeout_us) == 1; }

int stream(int n_frames)
{
    static const ads_board board = {transfer, delay_us, set_start, wait_drdy};
    float uv[ADS_CHANNELS] = {0};
    int n;
    emgrig_clocking(1, 4e6);
    if (ads_begin(&board, 24) != 0) {
        return -1;
    }
    for (n = 0; n < n_frames && ads_read_uv(&board, uv) == 0; n++) {
        emgrig_claim(1, uv[0]);
    }
    return n;
}

int main(void)
{
    printf("%d frames\n", stream(1000));
    return 0;
}
