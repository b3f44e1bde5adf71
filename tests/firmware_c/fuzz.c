/* fuzz.c: a PC, a link and a chip that do what they like, and what must hold all the same.
 *
 *     fuzz SEED ROUNDS
 *
 * A made-up chip stamps every frame with the number of its conversion. The PC sends requests that
 * make sense, requests that make none, and bytes. The link stalls, takes half a packet, and is cut;
 * edges of DRDY come while a frame is read; the supply dips. After every round:
 *
 * - next conversion = frames gone + missed + thrown away + waiting + not packed yet;
 * - every packet that went out is whole, its CRC right (computed here bit by bit), its sequence
 *   number the next one; every frame in it is that of its conversion, and comes once;
 * - every request got one reply, in order.
 *
 * Prints what it did as words and counts; exit code 1 and a line at the first thing that is wrong.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emg_board.h"

#define PERIOD_US 500u
#define RESET_CANARY 0x60u

static struct emg_board board;
static uint64_t seed;

static uint32_t drawn(uint32_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((seed >> 33) % below);
}

static void wrong(const char *what)
{
    (void)printf("wrong: %s\n", what);
    exit(1);
}

/* ---- the chips -------------------------------------------------------------------------------- */

static uint64_t time_us;
static uint64_t next_fall_us;
static bool is_converting;
static bool is_rdatac;
static bool is_drdy_dead;
static bool is_status_wrong;
static uint32_t n_falls; /* since power-on */
static uint8_t registers[EMG_MAX_CHIPS][EMG_ADDRESSES];
static uint8_t lead_off;

static void chip_reset(void)
{
    (void)memset(registers, 0, sizeof registers);
    for (unsigned chip = 0; chip < EMG_MAX_CHIPS; chip++) {
        registers[chip][3] = RESET_CANARY;
    }
    is_rdatac = true;
    is_converting = false;
}

static void pass(uint32_t us)
{
    const uint64_t until = time_us + us;
    while (is_converting && (next_fall_us <= until)) {
        time_us = next_fall_us;
        next_fall_us += PERIOD_US;
        if (!is_drdy_dead) {
            n_falls++;
            emg_drdy(&board, time_us);
        }
    }
    time_us = until;
}

static uint64_t now_us(void *context)
{
    (void)context;
    return time_us;
}

static void delay_us(void *context, uint32_t us)
{
    (void)context;
    pass(us);
}

static void idle_us(void *context, uint32_t us)
{
    (void)context;
    uint32_t n = us;
    if (is_converting && (next_fall_us > time_us) && (next_fall_us - time_us < n)) {
        n = (uint32_t)(next_fall_us - time_us);
    }
    pass((n > 0u) ? n : 1u);
}

static void frame(unsigned chip, uint8_t *rx, size_t n, uint32_t step_us)
{
    for (size_t i = 0; i < n; i++) {
        if (i == n / 2u) {
            pass(step_us);
        }
        uint8_t value = (uint8_t)(n_falls >> (8u * (i % 3u)));
        if (i < 3u) {
            value = (i == 0u) ? (is_status_wrong ? 0x40u : 0xC0u) : 0u;
            value = (uint8_t)(value | ((i == 1u) ? (uint8_t)(lead_off + chip) : 0u));
        }
        rx[i] = value;
    }
    pass(step_us);
}

static void transfer(void *context, uint32_t chips, const uint8_t *tx, uint8_t *rx, size_t n,
                     uint32_t sclk_hz, uint32_t hold_us)
{
    (void)context;
    if ((hold_us < 2u) || (sclk_hz == 0u) || (chips == 0u) || (n == 0u)) {
        wrong("a transfer makes no sense");
    }
    for (unsigned chip = 0; chip < EMG_MAX_CHIPS; chip++) {
        if ((chips & (1u << chip)) == 0u) {
            continue;
        }
        if (tx == NULL) {
            frame(chip, rx, n, (drawn(40) == 0u) ? 600u : 10u);
            continue;
        }
        if ((tx[0] & 0xE0u) == 0x20u) {
            (void)memcpy(&rx[2], &registers[chip][tx[0] & 0x1Fu], n - 2u);
        } else if ((tx[0] & 0xE0u) == 0x40u) {
            (void)memcpy(&registers[chip][tx[0] & 0x1Fu], &tx[2], n - 2u);
        }
    }
    if (tx != NULL) {
        if (tx[0] == EMG_OP_RDATAC) {
            is_rdatac = true;
        } else if (tx[0] == EMG_OP_SDATAC) {
            is_rdatac = false;
        } else if ((tx[0] == EMG_OP_START) && !is_converting) {
            is_converting = true;
            next_fall_us = time_us + 4u * PERIOD_US;
        } else if (tx[0] == EMG_OP_STOP) {
            is_converting = false;
        } else if (tx[0] == EMG_OP_RESET) {
            chip_reset();
        }
        pass(20);
    }
}

static void line(void *context, enum emg_line which, bool is_high)
{
    (void)context;
    if ((which != EMG_LINE_START) && !is_high) {
        chip_reset();
    }
}

/* ---- the PCs ---------------------------------------------------------------------------------- */

struct pc {
    bool is_there;
    bool is_stalled;
    uint8_t sent[65536]; /* towards the board */
    size_t n_sent;
    uint8_t packet[EMG_MAX_PACKET]; /* from the board, up to the end of this one */
    size_t n_packet;
    uint16_t sequence;
    uint16_t asked[256]; /* ids whose replies have not come */
    size_t n_asked;
    uint16_t run; /* whose samples come; 0: not told */
    uint32_t next_conversion;
};

static struct pc pcs[EMG_MAX_LINKS];
static uint32_t run_falls[65536]; /* n_falls when each run began */
static unsigned long n_requests;
static unsigned long n_frames;
static unsigned long n_events[7];
static unsigned long n_errors[8];
static bool is_reboot;

/* CRC-32 bit by bit, as written in textbooks. */
static uint32_t crc_of(const uint8_t *bytes, size_t n)
{
    uint32_t crc = 0xFFFFFFFFu;
    for (size_t i = 0; i < n; i++) {
        crc ^= bytes[i];
        for (unsigned bit = 0; bit < 8u; bit++) {
            crc = ((crc & 1u) != 0u) ? ((crc >> 1) ^ 0xEDB88320u) : (crc >> 1);
        }
    }
    return ~crc;
}

static void take_samples(struct pc *pc, const uint8_t *payload, size_t n)
{
    const uint32_t first = emg_get32(payload);
    const uint8_t count = payload[12];
    const uint8_t each = payload[13];
    if ((count == 0u) || (n != 18u + (size_t)count * each) || (first < pc->next_conversion)) {
        wrong("a sample packet has another form, or comes twice");
    }
    if (pc->run == 0u) { /* it took a run over: which one, the first frame tells */
        const uint32_t stamp = emg_get32(&payload[20]) >> 8;
        pc->run = board.run.number;
        while ((pc->run > 0u) && (((run_falls[pc->run] + first + 1u) & 0xFFFFFFu) != stamp)) {
            pc->run--;
        }
    }
    for (unsigned i = 0; i < count; i++) {
        const uint32_t stamp = (run_falls[pc->run] + first + i + 1u) & 0xFFFFFFu;
        for (unsigned at = 3; at < each; at += 3u) {
            const uint8_t *three = &payload[18u + i * each + at];
            if ((at % 27u != 0u) && ((three[0] != (stamp & 0xFFu)) ||
                                     (three[1] != ((stamp >> 8) & 0xFFu)) ||
                                     (three[2] != (stamp >> 16)))) {
                wrong("a frame is not that of its conversion");
            }
        }
    }
    pc->next_conversion = first + count;
    n_frames += count;
}

static void take_packet(struct pc *pc)
{
    const uint8_t *bytes = pc->packet;
    const size_t n = pc->n_packet - EMG_OVERHEAD_BYTES;
    if ((bytes[0] != 0xA5u) || (bytes[1] != 0x5Au) || (bytes[2] != 1u) ||
        (crc_of(&bytes[2], pc->n_packet - 6u) != emg_get32(&bytes[pc->n_packet - 4u])) ||
        (emg_get16(&bytes[4]) != pc->sequence)) {
        wrong("a packet is damaged, or out of sequence");
    }
    pc->sequence++;
    const uint8_t *payload = &bytes[EMG_HEADER_BYTES];
    if (bytes[3] == EMG_SAMPLES) {
        take_samples(pc, payload, n);
    } else if (bytes[3] == EMG_EVENT) {
        n_events[payload[0]]++;
    } else {
        if ((pc->n_asked == 0u) || (emg_get16(payload) != pc->asked[0])) {
            wrong("a reply to nothing");
        }
        pc->n_asked--;
        (void)memmove(pc->asked, &pc->asked[1], pc->n_asked * sizeof pc->asked[0]);
        n_errors[(payload[3] == 0u) ? 0u : payload[4]]++;
        const bool is_start = (payload[2] == 6u) && (payload[3] == 0u);
        const bool is_stop = (payload[2] == 7u) && (payload[3] == 0u);
        const uint16_t run = (is_start || is_stop) ? emg_get16(&payload[4]) : 0u;
        if ((is_start && (run != pc->run)) || (is_stop && (run == pc->run))) {
            pc->run = is_start ? run : 0u;
            pc->next_conversion = 0;
        }
    }
}

static size_t send_bytes(void *context, uint8_t link, const uint8_t *bytes, size_t n)
{
    (void)context;
    struct pc *pc = &pcs[link];
    if (pc->is_stalled || (drawn(20) == 0u)) {
        return 0;
    }
    const size_t taken = (drawn(4) == 0u) ? 1u + drawn((uint32_t)n) : n;
    for (size_t i = 0; i < taken; i++) {
        pc->packet[pc->n_packet] = bytes[i];
        pc->n_packet++;
        if ((pc->n_packet >= EMG_HEADER_BYTES) &&
            (pc->n_packet == EMG_OVERHEAD_BYTES + (size_t)emg_get16(&pc->packet[6]))) {
            take_packet(pc);
            pc->n_packet = 0;
        }
    }
    return taken;
}

static size_t receive_bytes(void *context, uint8_t link, uint8_t *bytes, size_t n)
{
    (void)context;
    struct pc *pc = &pcs[link];
    size_t taken = (pc->n_sent < n) ? pc->n_sent : n;
    if ((taken > 1u) && (drawn(3) == 0u)) {
        taken = 1u + drawn((uint32_t)taken);
    }
    (void)memcpy(bytes, pc->sent, taken);
    pc->n_sent -= taken;
    (void)memmove(pc->sent, &pc->sent[taken], pc->n_sent);
    return taken;
}

static void put(struct pc *pc, const uint8_t *bytes, size_t n)
{
    if (pc->n_sent + n <= sizeof pc->sent) {
        (void)memcpy(&pc->sent[pc->n_sent], bytes, n);
        pc->n_sent += n;
    }
}

static void ask(struct pc *pc, uint8_t type, const uint8_t *payload, uint16_t n, bool is_good)
{
    uint8_t bytes[EMG_MAX_PACKET];
    struct emg_out out = {bytes, 0, sizeof bytes};
    emg_put16(&out, 0x5AA5u);
    emg_put8(&out, 1);
    emg_put8(&out, type);
    emg_put16(&out, 0);
    emg_put16(&out, n);
    emg_put_bytes(&out, payload, n);
    emg_put32(&out, crc_of(&bytes[2], 6u + n) ^ (is_good ? 0u : 1u));
    if ((pc->n_asked < 256u) && (pc->n_sent + out.n <= sizeof pc->sent)) {
        put(pc, bytes, out.n);
        if (is_good && (type == EMG_REQUEST) && (n >= 3u)) {
            pc->asked[pc->n_asked] = emg_get16(payload);
            pc->n_asked++;
            n_requests++;
        }
    }
}

/* A request that makes sense most of the time. */
static void ask_something(struct pc *pc)
{
    static const uint8_t opcodes[] = {0x02, 0x04, 0x06, 0x08, 0x0A, 0x10, 0x11, 0x11, 0x12};
    static uint16_t id;
    static uint8_t last[300];
    static uint16_t n_last;
    uint8_t bytes[300];
    struct emg_out out = {bytes, 0, sizeof bytes};
    if ((n_last > 0u) && (drawn(10) == 0u)) { /* the same again */
        ask(pc, EMG_REQUEST, last, n_last, true);
        return;
    }
    id++;
    emg_put16(&out, id);
    uint8_t request = (uint8_t)((drawn(40) == 0u) ? drawn(256) : 1u + drawn(12));
    if (((request == 12u) || (request == 7u)) && (drawn(8) != 0u)) {
        request = 6u; /* few reboots, long runs */
    }
    emg_put8(&out, request);
    const uint8_t chip = (uint8_t)((drawn(8) == 0u) ? drawn(256) : drawn(EMG_MAX_CHIPS));
    if (request == 1u) {
        emg_put8(&out, 1);
        emg_put_text(&out, "fuzz");
    } else if (request == 2u) {
        emg_put8(&out, chip);
        emg_put8(&out, (uint8_t)drawn(34));
        emg_put8(&out, (uint8_t)drawn(10));
    } else if (request == 3u) {
        const uint8_t count = (uint8_t)drawn(10);
        emg_put8(&out, chip);
        emg_put8(&out, (uint8_t)drawn(34));
        emg_put8(&out, count);
        for (unsigned i = 0; i < count; i++) {
            emg_put8(&out, (uint8_t)drawn(256));
        }
    } else if (request == 4u) {
        emg_put8(&out, (drawn(2) == 0u) ? 255u : chip);
        emg_put8(&out, opcodes[drawn(sizeof opcodes)]);
    } else if (request == 6u) {
        emg_put8(&out, (uint8_t)drawn(20));
        emg_put8(&out, (uint8_t)((drawn(9) == 0u) ? drawn(256) : 3u));
    } else {
        const unsigned n = drawn(10);
        for (unsigned i = 0; i < n; i++) {
            emg_put8(&out, (uint8_t)drawn((request == 5u) ? 4u : 256u));
        }
    }
    if (drawn(20) == 0u) {
        out.n = (uint16_t)(3u + drawn(out.n - 2u));
    }
    (void)memcpy(last, bytes, out.n);
    n_last = out.n;
    ask(pc, EMG_REQUEST, bytes, out.n, drawn(30) != 0u);
}

static void ask_nonsense(struct pc *pc)
{
    uint8_t bytes[EMG_MAX_PACKET];
    const uint16_t n = (uint16_t)drawn((drawn(10) == 0u) ? EMG_MAX_PAYLOAD + 1u : 40u);
    for (unsigned i = 0; i < n; i++) {
        bytes[i] = (uint8_t)((drawn(3) == 0u) ? ((i % 2u != 0u) ? 0x5Au : 0xA5u) : drawn(256));
    }
    if (drawn(2) == 0u) {
        put(pc, bytes, n);
    } else { /* a packet of another type, or a request without a whole head */
        const bool is_short = drawn(2) == 0u;
        ask(pc, is_short ? EMG_REQUEST : (uint8_t)drawn(16), bytes,
            is_short ? (uint16_t)(n % 3u) : n, true);
    }
}

static void blink(void *context, uint16_t ms)
{
    (void)context;
    (void)ms;
}

static void show(void *context, uint32_t count)
{
    (void)context;
    (void)count;
}

static void reboot(void *context)
{
    (void)context;
    is_reboot = true;
}

/* ---- what must hold --------------------------------------------------------------------------- */

static void look_after(void)
{
    const struct emg_run *run = &board.run;
    uint32_t waiting = 0;
    if (run->link != NULL) {
        const uint32_t all = run->link->frames_gone + run->link->frames_waiting;
        const int32_t of_before = (int32_t)(run->gone_before - run->link->frames_gone);
        waiting = (all - run->link->frames_gone) - ((of_before > 0) ? (uint32_t)of_before : 0u);
    }
    const uint32_t sum = emg_run_frames_sent(run) + run->missed + run->thrown_away + waiting +
                         run->n_pending;
    if (sum != run->next_index) {
        wrong("the account of a run is not exact");
    }
}

static void power_on(enum emg_cause cause)
{
    for (unsigned i = 0; i < EMG_MAX_LINKS; i++) {
        pcs[i].n_packet = 0;
        pcs[i].n_sent = 0;
        pcs[i].n_asked = 0;
        pcs[i].sequence = 0;
        pcs[i].run = 0;
        pcs[i].next_conversion = 0;
    }
    is_drdy_dead = false;
    emg_boot(&board, cause);
}

/* Once through the firmware's loop; false: it has nothing more to do. */
static bool come_round(void)
{
    const bool is_busy = emg_poll(&board);
    run_falls[board.run.number] = board.run.first_edge;
    look_after();
    if (is_reboot) {
        is_reboot = false;
        power_on(EMG_CAUSE_REQUESTED);
    }
    return is_busy;
}

static void one_round(void)
{
    uint8_t link = (uint8_t)drawn(EMG_MAX_LINKS);
    if (board.run.is_on && (board.run.link != NULL) && (drawn(6) != 0u)) {
        link = board.run.link->number; /* the others hear that the board is busy */
    }
    struct pc *pc = &pcs[link];
    const uint32_t what = drawn(100);
    if (!pc->is_there || (what == 0u)) {
        (void)memset(pc, 0, sizeof *pc);
        pc->is_there = drawn(4) != 0u;
        if (pc->is_there) {
            emg_connected(&board, link);
        } else {
            emg_disconnected(&board, link);
        }
    } else if (what < 45u) {
        ask_something(pc);
    } else if (what < 50u) {
        ask_nonsense(pc);
    } else if (what < 53u) {
        pc->is_stalled = !pc->is_stalled;
    } else if (what == 53u) {
        chip_reset(); /* the supply dips, or stays away: then what is read is 0 */
        if (drawn(2) == 0u) {
            (void)memset(registers, 0, sizeof registers);
            pass(drawn(3000000));
        }
    } else if (what == 54u) {
        is_drdy_dead = !is_drdy_dead;
    } else if (what == 55u) {
        emg_trigger(&board, 1, drawn(2) == 0u);
    } else if (what == 56u) {
        is_status_wrong = !is_status_wrong;
    } else if (what == 57u) {
        lead_off = (uint8_t)drawn(16);
    } else if (what == 58u) {
        pass(drawn(3000000));
    } else {
        for (unsigned i = drawn(40); i > 0u; i--) { /* the loop comes round in time, or late */
            pass(drawn(600));
            (void)come_round();
        }
    }
    for (unsigned i = 0; i < 1000u; i++) {
        if (!come_round()) {
            break;
        }
    }
}

int main(int argc, char **argv)
{
    static const uint32_t ohm[2] = {2200, 2200};
    static const struct emg_hal hal = {NULL, now_us, delay_us, idle_us, transfer, line,
                                       receive_bytes, send_bytes, blink, show, reboot};
    static struct emg_facts facts = {.serial_number = "FUZZ", .firmware_version = "1",
                                     .git_revision = "0", .n_chips = EMG_MAX_CHIPS,
                                     .channels_per_chip = 8, .lines = 7, .n_series = 2,
                                     .series_ohm = ohm, .f_clk_hz = 2048000, .vref_uv = 4500000,
                                     .channels_wired = 255, .capabilities = 31,
                                     .transmit_bytes = EMG_TX_BYTES, .linger_us = 2000000};
    seed = (argc > 1) ? strtoull(argv[1], NULL, 10) : 1u;
    const unsigned long rounds = (argc > 2) ? strtoul(argv[2], NULL, 10) : 10000u;
    emg_board_init(&board, &hal, &facts);
    chip_reset();
    power_on(EMG_CAUSE_POWER_ON);
    for (unsigned long i = 0; i < rounds; i++) {
        if (i % 5000u == 0u) { /* a board that can less */
            facts.capabilities = ((i / 5000u) % 4u == 3u) ? 0u : 31u;
        }
        one_round();
    }
    (void)printf("requests %lu frames %lu errors", n_requests, n_frames);
    for (unsigned i = 1; i < 8u; i++) {
        (void)printf(" %lu", n_errors[i]);
    }
    (void)printf(" events");
    for (unsigned i = 1; i < 7u; i++) {
        (void)printf(" %lu", n_events[i]);
    }
    (void)printf(" runs ended %lu\n", (unsigned long)board.run.number);
    return 0;
}
