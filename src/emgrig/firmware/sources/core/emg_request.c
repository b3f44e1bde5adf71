/* emg_request.c: what each request does (docs/protocol.md, "Requests and replies").
 *
 * Part of emgrig, MIT licence.
 */
#include <string.h>

#include "emg_board.h"

enum request {
    HELLO = 1,
    READ_REGISTERS = 2,
    WRITE_REGISTERS = 3,
    CHIP_COMMAND = 4,
    SET_LINE = 5,
    START = 6,
    STOP = 7,
    STATS = 8,
    CLOCK = 9,
    IDENTIFY = 10,
    SET_COUNTER = 11,
    REBOOT = 12
};

enum error {
    NONE = 0,
    UNKNOWN_REQUEST = 1,
    BAD_ARGUMENT = 2,
    BUSY = 3,
    IN_RDATAC = 4,
    NO_SUCH_CHIP = 5,
    CHIP_SILENT = 6,
    NOT_SUPPORTED = 7
};

static const char *const why[] = {
    "",
    "this firmware knows no such request; it speaks version 1",
    "an argument is missing or out of range; see docs/protocol.md",
    "busy: a run is on",
    "the chip is in RDATAC and ignores register access; send STOP or SDATAC",
    "there is no such chip on this board; the first is 0",
    "RESET or PWDN is held low, the chip cannot answer; set it high first",
    "this board cannot do that; HELLO says what it can",
};

/* How long REBOOT waits for its reply to go out. */
#define REBOOT_US 100000u

/* The arguments of one request. */
struct arguments {
    const uint8_t *bytes;
    uint16_t n;
};

static uint64_t now_us(const struct emg_board *board)
{
    return board->hal->now_us(board->hal->context);
}

static bool can(const struct emg_board *board, uint32_t capability)
{
    return (board->facts->capabilities & capability) != 0u;
}

static enum error hello(const struct emg_board *board, struct arguments in, struct emg_out *out)
{
    const struct emg_facts *facts = board->facts;
    if ((in.n < 2u) || (in.n < (2u + in.bytes[1]))) {
        return BAD_ARGUMENT;
    }
    emg_put8(out, EMG_VERSION);
    emg_put_text(out, facts->serial_number);
    emg_put_text(out, facts->firmware_version);
    emg_put_text(out, facts->git_revision);
    emg_put8(out, facts->n_chips);
    emg_put8(out, facts->channels_per_chip);
    emg_put32(out, facts->f_clk_hz);
    emg_put32(out, facts->vref_uv);
    emg_put32(out, facts->channels_wired);
    emg_put8(out, facts->n_series);
    for (uint8_t i = 0; i < facts->n_series; i++) {
        emg_put32(out, facts->series_ohm[i]);
    }
    emg_put32(out, facts->capabilities);
    emg_put8(out, emg_run_max_frames(board));

    emg_put_text(out, "ADS1299"); /* what it can, as "Abilities" of docs/protocol.md has it */
    emg_put8(out, 2);             /* all registers */
    emg_put8(out, 0);
    emg_put8(out, 2); /* whole status words */
    emg_put8(out, 2); /* exact counts */
    emg_put32(out, 0);
    emg_put8(out, 2); /* a clock, in steps of 1 us */
    emg_put32(out, 1);
    emg_put8(out, facts->lines);
    emg_put8(out, 1); /* chips can be reset: the opcode does it */
    emg_put8(out, 0); /* scale by registers: nothing is stated */
    emg_put64(out, 0);
    emg_put8(out, 0);
    emg_put8(out, 0);
    emg_put8(out, 24);
    return NONE;
}

/* Whether `count` registers of a chip can be reached now. */
static enum error check_access(const struct emg_board *board, uint8_t chip, uint8_t address,
                               uint8_t count)
{
    const struct emg_chips *chips = &board->chips;
    if (chip >= chips->n) {
        return NO_SUCH_CHIP;
    }
    if ((count == 0u) || (((uint32_t)address + count) > EMG_ADDRESSES)) {
        return BAD_ARGUMENT;
    }
    if ((chips->low & ((UINT32_C(1) << EMG_LINE_RESET) | (UINT32_C(1) << EMG_LINE_PWDN))) != 0u) {
        return CHIP_SILENT;
    }
    return ((chips->in_rdatac & (UINT32_C(1) << chip)) != 0u) ? IN_RDATAC : NONE;
}

static enum error read_registers(struct emg_board *board, struct arguments in,
                                 struct emg_out *out)
{
    if (in.n < 3u) {
        return BAD_ARGUMENT;
    }
    const uint8_t count = in.bytes[2];
    const enum error refused = check_access(board, in.bytes[0], in.bytes[1], count);
    if (refused == NONE) {
        uint8_t values[EMG_ADDRESSES];
        emg_chip_read(&board->chips, in.bytes[0], in.bytes[1], count, values);
        emg_put16(out, board->chips.settings);
        emg_put8(out, count);
        emg_put_bytes(out, values, count);
    }
    return refused;
}

static enum error write_registers(struct emg_board *board, struct arguments in,
                                  struct emg_out *out)
{
    if ((in.n < 3u) || (in.n < (3u + in.bytes[2]))) {
        return BAD_ARGUMENT;
    }
    const uint8_t count = in.bytes[2];
    const enum error refused = check_access(board, in.bytes[0], in.bytes[1], count);
    if (refused == NONE) {
        emg_run_make_way(board);
        emg_chip_write(&board->chips, in.bytes[0], in.bytes[1], count, &in.bytes[3]);
        emg_put16(out, board->chips.settings);
    }
    return refused;
}

static enum error chip_command(struct emg_board *board, struct arguments in, struct emg_out *out)
{
    if (in.n < 2u) {
        return BAD_ARGUMENT;
    }
    if ((in.bytes[0] != EMG_ALL_CHIPS) && (in.bytes[0] >= board->chips.n)) {
        return NO_SUCH_CHIP;
    }
    emg_run_make_way(board);
    emg_chip_command(&board->chips, in.bytes[0], in.bytes[1]);
    emg_put16(out, board->chips.settings);
    return NONE;
}

static enum error set_line(struct emg_board *board, struct arguments in, struct emg_out *out)
{
    if ((in.n < 2u) || (in.bytes[0] < EMG_LINE_START) || (in.bytes[0] > EMG_LINE_PWDN) ||
        (in.bytes[1] > 1u)) {
        return BAD_ARGUMENT;
    }
    if (!can(board, EMG_CAN_SET_LINE) ||
        ((board->facts->lines & (1u << (in.bytes[0] - 1u))) == 0u)) {
        return NOT_SUPPORTED;
    }
    emg_run_make_way(board);
    emg_chip_line(&board->chips, (enum emg_line)in.bytes[0], in.bytes[1] == 1u);
    emg_put16(out, board->chips.settings);
    return NONE;
}

static enum error start(struct emg_board *board, struct emg_link *link, struct arguments in,
                        struct emg_out *out)
{
    if (in.n < 2u) {
        return BAD_ARGUMENT;
    }
    if (board->run.is_on) {
        return BUSY;
    }
    if ((in.bytes[0] == 0u) || (in.bytes[0] > emg_run_max_frames(board)) ||
        (in.bytes[1] >= EMG_ADDRESSES)) {
        return BAD_ARGUMENT;
    }
    emg_run_start(board, link, in.bytes[0], in.bytes[1]);
    emg_put16(out, board->run.number);
    emg_put16(out, board->chips.settings);
    emg_put64(out, board->run.begun_us);
    return NONE;
}

static enum error stop(struct emg_board *board, struct emg_out *out)
{
    const bool was_on = board->run.is_on;
    if (was_on) {
        emg_run_stop(board);
    }
    emg_put16(out, was_on ? board->run.number : 0u);
    emg_put32(out, was_on ? board->run.conversions : 0u);
    emg_put64(out, now_us(board));
    return NONE;
}

static enum error stats(const struct emg_board *board, struct emg_out *out)
{
    const struct emg_run *run = &board->run;
    uint32_t bad_crc = board->bad_crc;
    uint32_t most = board->tx_most;
    for (uint8_t i = 0; i < EMG_MAX_LINKS; i++) {
        const struct emg_link *link = &board->links[i];
        if (link->is_open) {
            bad_crc += link->rx.bad_crc;
            most = (link->tx_most > most) ? link->tx_most : most;
        }
    }
    emg_put64(out, now_us(board));
    emg_put16(out, run->number);
    emg_put8(out, run->is_on ? 1u : 0u);
    emg_put16(out, board->chips.settings);
    emg_put32(out, run->conversions);
    emg_put32(out, emg_run_frames_sent(run));
    emg_put32(out, run->missed);
    emg_put32(out, run->thrown_away);
    emg_put32(out, run->brown_outs);
    emg_put32(out, bad_crc);
    emg_put32(out, most);
    return NONE;
}

static enum error clock_now(const struct emg_board *board, struct arguments in,
                            struct emg_out *out)
{
    if (in.n < 8u) {
        return BAD_ARGUMENT;
    }
    emg_put_bytes(out, in.bytes, 8);
    emg_put64(out, now_us(board));
    return NONE;
}

static enum error identify(const struct emg_board *board, struct arguments in)
{
    if (in.n < 2u) {
        return BAD_ARGUMENT;
    }
    if (!can(board, EMG_CAN_IDENTIFY)) {
        return NOT_SUPPORTED;
    }
    board->hal->blink(board->hal->context, emg_get16(in.bytes));
    return NONE;
}

static enum error set_counter(struct emg_board *board, struct arguments in)
{
    if (in.n < 4u) {
        return BAD_ARGUMENT;
    }
    if (!can(board, EMG_CAN_COUNTER)) {
        return NOT_SUPPORTED;
    }
    board->hal->show(board->hal->context, emg_get32(in.bytes));
    uint8_t bytes[4];
    struct emg_out body = {bytes, 0, sizeof bytes};
    emg_put_bytes(&body, in.bytes, 4);
    emg_board_event(board, EMG_COUNTER, board->run.is_on ? board->run.conversions : 0u,
                    now_us(board), &body);
    return NONE;
}

static enum error reboot(struct emg_board *board)
{
    if (!can(board, EMG_CAN_REBOOT)) {
        return NOT_SUPPORTED;
    }
    board->is_reboot_due = true;
    board->reboot_us = now_us(board) + REBOOT_US;
    return NONE;
}

static enum error serve(struct emg_board *board, struct emg_link *link, uint8_t request,
                        struct arguments in, struct emg_out *out)
{
    switch (request) {
    case HELLO:
        return hello(board, in, out);
    case READ_REGISTERS:
        return read_registers(board, in, out);
    case WRITE_REGISTERS:
        return write_registers(board, in, out);
    case CHIP_COMMAND:
        return chip_command(board, in, out);
    case SET_LINE:
        return set_line(board, in, out);
    case START:
        return start(board, link, in, out);
    case STOP:
        return stop(board, out);
    case STATS:
        return stats(board, out);
    case CLOCK:
        return clock_now(board, in, out);
    case IDENTIFY:
        return identify(board, in);
    case SET_COUNTER:
        return set_counter(board, in);
    case REBOOT:
        return reboot(board);
    default:
        return UNKNOWN_REQUEST;
    }
}

void emg_request(struct emg_board *board, struct emg_link *link, const uint8_t *payload,
                 uint16_t n, struct emg_out *reply)
{
    const struct arguments in = {&payload[3], (uint16_t)(n - 3u)};
    enum error refused = NONE;
    emg_put_bytes(reply, payload, 3); /* id and request */
    emg_put8(reply, 0);
    if (board->run.is_on && (board->run.link == NULL)) {
        emg_run_attach(board, link); /* who comes first after an outage takes over the run */
    }
    if (board->run.is_on && (board->run.link != link)) {
        refused = BUSY;
    } else {
        refused = serve(board, link, payload[2], in, reply);
    }
    if (refused != NONE) {
        reply->n = 3;
        emg_put8(reply, 1);
        emg_put16(reply, (uint16_t)refused);
        emg_put_text(reply, why[refused]);
    }
}
