/* image.c: the core for a Cortex-M, with a hardware layer that is a mailbox.
 *
 * A function of the layer puts its arguments into `box` and writes its number to CALL; whoever runs
 * the instructions answers there. The time, and whether bytes came, stand in the box, as in the
 * registers of a timer and of a UART. Edges of DRDY that came meanwhile are served on the way back,
 * as pending interrupts are.
 */
#include <string.h>

#include "emg_board.h"

#define CALL (*(volatile uint32_t *)0x40000000u)

enum call { DELAY = 1, IDLE, TRANSFER, LINE, RECEIVE, SEND, BLINK, SHOW, REBOOT };

struct box {
    uint32_t arguments[6];
    uint64_t now_us;
    uint64_t edge_us;
    uint32_t n_edges;
    uint32_t waiting; /* bit n: bytes came on link n */
    uint32_t result;
};

uint32_t glue_go(struct emg_board *own); /* glue.c */

static volatile struct box box;
static struct emg_board board;
static char texts[3][EMG_MAX_TEXT + 1u];
static uint32_t ohm[32];
static struct emg_facts facts;

static void serve_edges(void)
{
    for (; box.n_edges > 0u; box.n_edges = box.n_edges - 1u) {
        emg_drdy(&board, box.edge_us);
    }
}

static uint32_t call(enum call which, uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e,
                     uint32_t f)
{
    box.arguments[0] = a;
    box.arguments[1] = b;
    box.arguments[2] = c;
    box.arguments[3] = d;
    box.arguments[4] = e;
    box.arguments[5] = f;
    CALL = (uint32_t)which;
    serve_edges();
    return box.result;
}

static uint64_t now_us(void *context) { (void)context; return box.now_us; }

static void delay_us(void *context, uint32_t us)
{
    (void)context;
    (void)call(DELAY, us, 0, 0, 0, 0, 0);
}

static void idle_us(void *context, uint32_t us)
{
    (void)context;
    (void)call(IDLE, us, 0, 0, 0, 0, 0);
}

static void transfer(void *context, uint32_t chips, const uint8_t *tx, uint8_t *rx, size_t n,
                     uint32_t sclk_hz, uint32_t hold_us)
{
    (void)context;
    (void)call(TRANSFER, chips, (uint32_t)tx, (uint32_t)rx, (uint32_t)n, sclk_hz, hold_us);
}

static void line(void *context, enum emg_line which, bool is_high)
{
    (void)context;
    (void)call(LINE, (uint32_t)which, is_high ? 1u : 0u, 0, 0, 0, 0);
}

static size_t receive_bytes(void *context, uint8_t link, uint8_t *bytes, size_t n)
{
    (void)context;
    return ((box.waiting & (UINT32_C(1) << link)) == 0u)
               ? 0u
               : (size_t)call(RECEIVE, link, (uint32_t)bytes, (uint32_t)n, 0, 0, 0);
}

static size_t send_bytes(void *context, uint8_t link, const uint8_t *bytes, size_t n)
{
    (void)context;
    return (size_t)call(SEND, link, (uint32_t)bytes, (uint32_t)n, 0, 0, 0);
}

static void blink(void *context, uint16_t ms)
{
    (void)context;
    (void)call(BLINK, ms, 0, 0, 0, 0, 0);
}

static void show(void *context, uint32_t count)
{
    (void)context;
    (void)call(SHOW, count, 0, 0, 0, 0, 0);
}

static void reboot(void *context) { (void)context; (void)call(REBOOT, 0, 0, 0, 0, 0, 0); }

static const struct emg_hal hal = {NULL, now_us, delay_us, idle_us, transfer, line,
                                   receive_bytes, send_bytes, blink, show, reboot};

static void init(void)
{
    facts.serial_number = texts[0];
    facts.firmware_version = texts[1];
    facts.git_revision = texts[2];
    facts.series_ohm = ohm;
    emg_board_init(&board, &hal, &facts);
}

static uint32_t go(void)
{
    serve_edges();
    return glue_go(&board);
}

/* Where everything is; the first words of the image. */
__attribute__((section(".image"), used)) const void *const image[] = {
    (const void *)&box,    (const void *)&board, (const void *)texts,
    (const void *)ohm,     (const void *)&facts, (const void *)init,
    (const void *)emg_boot, (const void *)go, (const void *)emg_connected,
    (const void *)emg_disconnected, (const void *)emg_trigger};

/* ---- what a C library would have ------------------------------------------------------------- */

void *memcpy(void *to, const void *from, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ((uint8_t *)to)[i] = ((const uint8_t *)from)[i];
    }
    return to;
}

void *memmove(void *to, const void *from, size_t n)
{
    if ((uintptr_t)to <= (uintptr_t)from) {
        return memcpy(to, from, n);
    }
    for (size_t i = n; i > 0u; i--) {
        ((uint8_t *)to)[i - 1u] = ((const uint8_t *)from)[i - 1u];
    }
    return to;
}

void *memset(void *to, int value, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ((uint8_t *)to)[i] = (uint8_t)value;
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (((const uint8_t *)a)[i] != ((const uint8_t *)b)[i]) {
            return 1;
        }
    }
    return 0;
}

/* The names that the ARM ABI gives them. */
void __aeabi_memcpy(void *to, const void *from, size_t n);
void __aeabi_memcpy4(void *to, const void *from, size_t n);
void __aeabi_memcpy8(void *to, const void *from, size_t n);
void __aeabi_memmove(void *to, const void *from, size_t n);
void __aeabi_memclr(void *to, size_t n);
void __aeabi_memclr4(void *to, size_t n);
void __aeabi_memclr8(void *to, size_t n);
void __aeabi_memcpy(void *to, const void *from, size_t n) { (void)memcpy(to, from, n); }
void __aeabi_memcpy4(void *to, const void *from, size_t n) { (void)memcpy(to, from, n); }
void __aeabi_memcpy8(void *to, const void *from, size_t n) { (void)memcpy(to, from, n); }
void __aeabi_memmove(void *to, const void *from, size_t n) { (void)memmove(to, from, n); }
void __aeabi_memclr(void *to, size_t n) { (void)memset(to, 0, n); }
void __aeabi_memclr4(void *to, size_t n) { (void)memset(to, 0, n); }
void __aeabi_memclr8(void *to, size_t n) { (void)memset(to, 0, n); }
