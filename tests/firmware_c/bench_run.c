/* bench_run.c: a target's chip side on emgrig's bench, driven from a test: bytes in, bytes out. */
#include <string.h>

#include "emg_board.h"

#ifdef ON_BENCH_HAL
#include "bench_hal.h"
#define BEGIN(hal, board) bench_hal(hal, board, EMG_MAX_CHIPS)
#else
#include "chips.h"
#define BEGIN(hal, board) chips_begin(hal, board)
void app_main(void); /* what the shim of ESP-IDF asks for */
void app_main(void) {}
#endif

#define MOST 1000000u

int begin(void);
int feed(const uint8_t *bytes, int n);
int go(int us);
int take(uint8_t *bytes, int n);

static struct emg_board board;
static struct emg_hal hal;
static uint8_t in[4096];
static size_t n_in;
static uint8_t out[MOST];
static size_t n_out;

static size_t receive_bytes(void *context, uint8_t link, uint8_t *bytes, size_t n)
{
    (void)context;
    (void)link;
    const size_t taken = (n_in < n) ? n_in : n;
    (void)memcpy(bytes, in, taken);
    n_in -= taken;
    (void)memmove(in, &in[taken], n_in);
    return taken;
}

static size_t send_bytes(void *context, uint8_t link, const uint8_t *bytes, size_t n)
{
    (void)context;
    (void)link;
    if (n_out + n > MOST) {
        return 0;
    }
    (void)memcpy(&out[n_out], bytes, n);
    n_out += n;
    return n;
}

int begin(void)
{
    static const struct emg_facts facts = {.serial_number = "BENCH", .firmware_version = "1",
                                           .git_revision = "0", .n_chips = EMG_MAX_CHIPS,
                                           .channels_per_chip = 8, .lines = 7,
                                           .f_clk_hz = 2048000, .vref_uv = 4500000,
                                           .capabilities = EMG_CAN_SET_LINE,
                                           .transmit_bytes = EMG_TX_BYTES, .linger_us = 1000000};
    hal.receive = receive_bytes;
    hal.send = send_bytes;
    BEGIN(&hal, &board);
    emg_board_init(&board, &hal, &facts);
    emg_connected(&board, 0);
    emg_boot(&board, EMG_CAUSE_POWER_ON);
    return 0;
}

int feed(const uint8_t *bytes, int n)
{
    (void)memcpy(&in[n_in], bytes, (size_t)n);
    n_in += (size_t)n;
    return 0;
}

int go(int us)
{
    const uint64_t until_us = hal.now_us(NULL) + (uint64_t)us;
    while (hal.now_us(NULL) < until_us) {
        if (!emg_poll(&board)) {
            hal.idle_us(NULL, (uint32_t)(until_us - hal.now_us(NULL)));
        }
    }
    return 0;
}

int take(uint8_t *bytes, int n)
{
    const size_t taken = (n_out < (size_t)n) ? n_out : (size_t)n;
    (void)memcpy(bytes, out, taken);
    n_out = 0;
    return (int)taken;
}
