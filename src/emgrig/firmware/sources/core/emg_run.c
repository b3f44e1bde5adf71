/* emg_run.c: see emg_run.h.
 *
 * Part of emgrig, MIT licence.
 */
#include "emg_run.h"

#include <string.h>

#include "emg_board.h"

#define FLAG_MISSED 1u
#define FLAG_STATUS 2u
#define FLAG_OVERFLOW 4u

/* Without DRDY for so long the chip may be lost: longer than tPOR, 128 ms. */
#define WATCH_US 200000u
#define WATCH_AGAIN_US 1000000u
/* The first conversion takes 16.4 ms at 250 SPS (SBAS499C, table 13): the longest wait for one. */
#define LONGEST_CONVERSION_US 20000u
#define REPORT_EVERY_US 1000000u
/* A comparator at its threshold must not fill the link. */
#define FRAMES_PER_LEAD_OFF 16u

static uint64_t now_us(const struct emg_board *board)
{
    return board->hal->now_us(board->hal->context);
}

uint8_t emg_run_max_frames(const struct emg_board *board)
{
    const uint32_t fit = (EMG_MAX_PAYLOAD - EMG_SAMPLES_HEAD_BYTES) / board->run.frame_bytes;
    return (uint8_t)((fit < EMG_MAX_FRAMES) ? fit : EMG_MAX_FRAMES);
}

uint32_t emg_run_frames_sent(const struct emg_run *run)
{
    uint32_t now = 0;
    if (run->link != NULL) { /* below 0 while frames of a run before are still on their way */
        const int32_t gone = (int32_t)(run->link->frames_gone - run->gone_before);
        now = (gone > 0) ? (uint32_t)gone : 0u;
    }
    return run->frames_gone + now;
}

void emg_run_attach(struct emg_board *board, struct emg_link *link)
{
    struct emg_run *run = &board->run;
    run->frames_gone = emg_run_frames_sent(run);
    run->link = link;
    run->gone_before = (link != NULL) ? (link->frames_gone + link->frames_waiting) : 0u;
    run->alone_us = now_us(board);
}

static void throw_away(struct emg_run *run, uint32_t n_frames)
{
    if (n_frames > 0u) {
        run->thrown_away += n_frames;
        run->unreported += n_frames;
        run->next_flags |= FLAG_OVERFLOW;
    }
}

void emg_run_link_lost(struct emg_board *board)
{
    struct emg_run *run = &board->run;
    const int32_t later = (int32_t)(run->gone_before - run->link->frames_gone);
    const uint32_t of_before = (later > 0) ? (uint32_t)later : 0u;
    const uint32_t waiting = run->link->frames_waiting;
    emg_run_attach(board, NULL);
    throw_away(run, (waiting > of_before) ? (waiting - of_before) : 0u);
}

static void report_overflow(struct emg_board *board, uint32_t conversion, uint64_t time_us)
{
    struct emg_run *run = &board->run;
    if (run->unreported > 0u) {
        uint8_t bytes[4];
        struct emg_out body = {bytes, 0, sizeof bytes};
        emg_put32(&body, run->unreported);
        run->unreported = 0;
        run->reported_us = time_us;
        emg_board_event(board, EMG_OVERFLOW, conversion, time_us, &body);
    }
}

/* Close the packet: send it, or count its frames as thrown away. */
static void flush(struct emg_board *board)
{
    struct emg_run *run = &board->run;
    const uint8_t n = run->n_pending;
    if (n == 0u) {
        return;
    }
    uint8_t bytes[EMG_SAMPLES_HEAD_BYTES];
    struct emg_out head = {bytes, 0, sizeof bytes};
    emg_put32(&head, run->pending_index);
    emg_put64(&head, run->pending_us);
    emg_put8(&head, n);
    emg_put8(&head, run->frame_bytes);
    emg_put16(&head, board->chips.settings);
    emg_put16(&head, (uint16_t)(run->pending_flags | run->next_flags));
    run->n_pending = 0;
    run->pending_flags = 0;
    if ((run->link != NULL) &&
        emg_link_send(run->link, board->hal, EMG_SAMPLES, &head, run->pending,
                      (uint16_t)(n * run->frame_bytes), n, board->facts->transmit_bytes)) {
        run->next_flags = 0;
        if ((run->reported_us == 0u) ||
            (run->last_edge_us >= (run->reported_us + REPORT_EVERY_US))) {
            report_overflow(board, run->pending_index + n, run->last_edge_us);
        }
    } else {
        throw_away(run, n);
    }
}

/* Say LEAD_OFF if the frame's status words tell something new (status word: SBAS499C, p. 38). */
static void watch_electrodes(struct emg_board *board, const uint8_t *frame, uint32_t index)
{
    struct emg_run *run = &board->run;
    uint32_t positive = 0;
    uint32_t negative = 0;
    for (uint8_t chip = 0; chip < board->chips.n; chip++) {
        const uint8_t *word = &frame[chip * run->chip_bytes];
        const uint32_t shift = (uint32_t)chip * board->facts->channels_per_chip;
        const uint32_t p = ((uint32_t)(word[0] & 0x0Fu) << 4) | (word[1] >> 4);
        const uint32_t n = ((uint32_t)(word[1] & 0x0Fu) << 4) | (word[2] >> 4);
        positive |= p << shift;
        negative |= n << shift;
    }
    const bool is_new = (positive != run->off_positive) || (negative != run->off_negative);
    if (is_new && (index >= run->quiet_until)) {
        run->off_positive = positive;
        run->off_negative = negative;
        run->quiet_until = index + FRAMES_PER_LEAD_OFF;
        uint8_t bytes[8];
        struct emg_out body = {bytes, 0, sizeof bytes};
        emg_put32(&body, positive);
        emg_put32(&body, negative);
        emg_board_event(board, EMG_LEAD_OFF, index, run->last_edge_us, &body);
    }
}

/* Read the frame of the last edge, if it was not read yet; true if there was one. */
static bool take_frame(struct emg_board *board)
{
    struct emg_run *run = &board->run;
    const struct emg_edges *edges = &board->edges;
    uint32_t n = 0;
    uint64_t time_us = 0;
    do { /* both of the same edge */
        n = edges->n;
        time_us = edges->time_us;
    } while (n != edges->n);
    if (n == run->edges_seen) {
        return false;
    }
    run->edges_seen = n;
    run->conversions = n - run->first_edge;
    const uint32_t index = run->conversions - 1u;
    const uint32_t step = index - run->next_index;
    if (step != 0u) {
        flush(board);
    }
    uint8_t *frame = &run->pending[run->n_pending * run->frame_bytes];
    for (uint8_t chip = 0; chip < board->chips.n; chip++) {
        emg_chip_frame(&board->chips, chip, &frame[chip * run->chip_bytes], run->chip_bytes);
    }
    if (n != edges->n) { /* the next result came in the middle: these bytes may be of both */
        return true;
    }
    if (step != 0u) {
        run->missed += step;
        run->next_flags |= FLAG_MISSED;
    }
    if (index != 0u) {
        run->period_us = (uint32_t)(time_us - run->last_edge_us) / (step + 1u);
    }
    run->last_edge_us = time_us;
    run->next_index = index + 1u;

    bool is_good = true;
    for (uint8_t chip = 0; chip < board->chips.n; chip++) {
        is_good = is_good && ((frame[chip * run->chip_bytes] & 0xF0u) == 0xC0u);
    }
    if (!is_good) {
        run->pending_flags |= FLAG_STATUS;
    }
    if (run->n_pending == 0u) {
        run->pending_index = index;
        run->pending_us = time_us;
    }
    run->n_pending++;
    if (run->n_pending >= run->frames_per_packet) {
        flush(board);
    }
    if (is_good) {
        watch_electrodes(board, frame, index);
    }
    return true;
}

/* Let time pass up to `until_us`, and read what comes. */
static void read_until(struct emg_board *board, uint64_t until_us)
{
    for (uint64_t now = now_us(board); now < until_us; now = now_us(board)) {
        if (!take_frame(board)) {
            board->hal->idle_us(board->hal->context, (uint32_t)(until_us - now));
        }
    }
    (void)take_frame(board);
}

/* Read the next frame, if one is due: the SCLKs of a command could meet the next edge of DRDY, and
 * its result would be lost. */
static void read_next(struct emg_board *board)
{
    const struct emg_run *run = &board->run;
    const uint32_t longest =
        (run->period_us != 0u) ? (run->period_us + (run->period_us / 2u)) : LONGEST_CONVERSION_US;
    while (take_frame(board)) {
    }
    const uint64_t until_us = run->last_edge_us + longest;
    for (uint64_t now = now_us(board); now < until_us; now = now_us(board)) {
        if (take_frame(board)) {
            break;
        }
        board->hal->idle_us(board->hal->context, (uint32_t)(until_us - now));
    }
}

void emg_run_make_way(struct emg_board *board)
{
    if (board->run.is_on) {
        read_next(board);
        flush(board);
    }
}

static void read_canary(struct emg_board *board, uint8_t *values)
{
    for (uint8_t chip = 0; chip < board->chips.n; chip++) {
        emg_chip_read(&board->chips, chip, board->run.canary, 1, &values[chip]);
    }
}

void emg_run_start(struct emg_board *board, struct emg_link *link, uint8_t frames_per_packet,
                   uint8_t canary)
{
    struct emg_run *run = &board->run;
    struct emg_chips *chips = &board->chips;
    const uint32_t brown_outs = run->brown_outs;
    const uint16_t number = (run->number == UINT16_MAX) ? 1u : (uint16_t)(run->number + 1u);
    const uint8_t frame_bytes = run->frame_bytes;
    const uint8_t chip_bytes = run->chip_bytes;
    (void)memset(run, 0, sizeof *run);
    run->brown_outs = brown_outs;
    run->number = number;
    run->frame_bytes = frame_bytes;
    run->chip_bytes = chip_bytes;
    run->frames_per_packet = frames_per_packet;
    run->canary = canary;
    if (chips->in_rdatac != 0u) {
        emg_chip_command(chips, EMG_ALL_CHIPS, EMG_OP_SDATAC);
    }
    read_canary(board, run->canary_values);
    emg_chip_command(chips, EMG_ALL_CHIPS, EMG_OP_RDATAC);
    emg_chip_command(chips, EMG_ALL_CHIPS, EMG_OP_START);
    run->first_edge = board->edges.n;
    run->edges_seen = run->first_edge;
    run->begun_us = now_us(board);
    run->last_edge_us = run->begun_us;
    run->watched_us = run->begun_us;
    emg_run_attach(board, link);
    run->is_on = true;
}

void emg_run_stop(struct emg_board *board)
{
    struct emg_run *run = &board->run;
    struct emg_chips *chips = &board->chips;
    read_next(board);
    emg_chip_command(chips, EMG_ALL_CHIPS, EMG_OP_STOP);
    if (!run->is_lost) { /* the conversion under way */
        const uint32_t wait_us = (run->period_us != 0u)
                                     ? (run->period_us + (run->period_us / 2u))
                                     : LONGEST_CONVERSION_US;
        read_until(board, now_us(board) + wait_us);
    }
    emg_chip_command(chips, EMG_ALL_CHIPS, EMG_OP_SDATAC);
    flush(board);
    run->conversions = board->edges.n - run->first_edge;
    report_overflow(board, run->conversions, now_us(board));
    run->missed += run->conversions - run->next_index;
    run->next_index = run->conversions;
    run->is_on = false;
}

/* Compare the watched register of each chip with what it held at START. */
static void look_at_canary(struct emg_board *board, uint64_t now)
{
    struct emg_run *run = &board->run;
    uint8_t found[EMG_MAX_CHIPS];
    emg_chip_command(&board->chips, EMG_ALL_CHIPS, EMG_OP_SDATAC);
    read_canary(board, found);
    if (memcmp(found, run->canary_values, board->chips.n) == 0) {
        emg_chip_command(&board->chips, EMG_ALL_CHIPS, EMG_OP_RDATAC);
        run->watched_us = now + WATCH_AGAIN_US;
        return;
    }
    run->is_lost = true;
    run->brown_outs++;
    flush(board);
    board->chips.settings++;
    for (uint8_t chip = 0; chip < board->chips.n; chip++) {
        if (found[chip] != run->canary_values[chip]) {
            uint8_t bytes[4];
            struct emg_out body = {bytes, 0, sizeof bytes};
            emg_put8(&body, chip);
            emg_put8(&body, run->canary);
            emg_put8(&body, run->canary_values[chip]);
            emg_put8(&body, found[chip]);
            emg_board_event(board, EMG_CHIP_LOST, run->conversions, now, &body);
        }
    }
}

bool emg_run_poll(struct emg_board *board)
{
    struct emg_run *run = &board->run;
    if (!run->is_on) {
        return false;
    }
    const bool was_there = take_frame(board);
    const uint64_t now = now_us(board);
    if (!run->is_lost && (now >= run->watched_us) && (now >= (run->last_edge_us + WATCH_US))) {
        look_at_canary(board, now);
    }
    if ((run->link == NULL) && (now >= (run->alone_us + board->facts->linger_us))) {
        emg_run_stop(board);
    }
    return was_there;
}
