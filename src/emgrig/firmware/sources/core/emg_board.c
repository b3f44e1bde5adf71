/* emg_board.c: see emg_board.h.
 *
 * Part of emgrig, MIT licence.
 */
#include "emg_board.h"

#include <string.h>

/* HELLO with all its texts and 32 resistors takes less. */
#define REPLY_BYTES 512u

void emg_board_init(struct emg_board *board, const struct emg_hal *hal,
                    const struct emg_facts *facts)
{
    (void)memset(board, 0, sizeof *board);
    board->hal = hal;
    board->facts = facts;
    board->chips.hal = hal;
    board->chips.n = facts->n_chips;
    for (uint8_t i = 0; i < EMG_MAX_LINKS; i++) {
        board->links[i].number = i;
    }
}

void emg_boot(struct emg_board *board, enum emg_cause cause)
{
    struct emg_run *run = &board->run;
    (void)memset(run, 0, sizeof *run);
    run->chip_bytes = (uint8_t)(3u + (3u * board->facts->channels_per_chip));
    run->frame_bytes = (uint8_t)(run->chip_bytes * board->facts->n_chips);
    board->bad_crc = 0;
    board->tx_most = 0;
    board->is_reboot_due = false;
    for (uint8_t i = 0; i < EMG_MAX_LINKS; i++) {
        if (board->links[i].is_open) {
            emg_link_open(&board->links[i]);
        }
    }
    emg_chip_boot(&board->chips);
    uint8_t bytes[1] = {(uint8_t)cause};
    const struct emg_out body = {bytes, sizeof bytes, sizeof bytes};
    emg_board_event(board, EMG_BOOT, 0, board->hal->now_us(board->hal->context), &body);
}

void emg_drdy(struct emg_board *board, uint64_t time_us)
{
    board->edges.time_us = time_us;
    board->edges.n++;
}

void emg_board_event(struct emg_board *board, enum emg_event event, uint32_t conversion,
                     uint64_t time_us, const struct emg_out *body)
{
    uint8_t bytes[13];
    struct emg_out head = {bytes, 0, sizeof bytes};
    emg_put8(&head, (uint8_t)event);
    emg_put32(&head, conversion);
    emg_put64(&head, time_us);
    /* An electrode at its threshold talks for ever: it must not fill what is kept for replies. */
    const uint32_t limit =
        (event == EMG_LEAD_OFF) ? board->facts->transmit_bytes : EMG_NO_LIMIT;
    for (uint8_t i = 0; i < EMG_MAX_LINKS; i++) {
        struct emg_link *link = &board->links[i];
        if (link->is_open && (!board->run.is_on || (board->run.link == NULL) ||
                              (board->run.link == link))) {
            (void)emg_link_send(link, board->hal, EMG_EVENT, &head, body->bytes, body->n, 0,
                                limit);
        }
    }
}

void emg_trigger(struct emg_board *board, uint8_t line, bool is_high)
{
    uint8_t bytes[2] = {line, is_high ? 1u : 0u};
    const struct emg_out body = {bytes, sizeof bytes, sizeof bytes};
    emg_board_event(board, EMG_TRIGGER, board->run.conversions,
                    board->hal->now_us(board->hal->context), &body);
}

void emg_connected(struct emg_board *board, uint8_t link)
{
    emg_disconnected(board, link);
    emg_link_open(&board->links[link]);
}

void emg_disconnected(struct emg_board *board, uint8_t link)
{
    struct emg_link *gone = &board->links[link];
    if (!gone->is_open) {
        return;
    }
    gone->is_open = false;
    board->bad_crc += gone->rx.bad_crc;
    if (gone->tx_most > board->tx_most) {
        board->tx_most = gone->tx_most;
    }
    if (board->run.link == gone) {
        emg_run_link_lost(board);
    }
}

/* The reply that was given to the same request, or NULL. */
static const struct emg_remembered *find(const struct emg_link *link, uint16_t id, uint32_t crc,
                                         uint16_t length)
{
    for (uint8_t i = 0; i < EMG_REMEMBERED; i++) {
        const struct emg_remembered *one = &link->remembered[i];
        if ((one->length == length) && (one->id == id) && (one->crc == crc)) {
            return one;
        }
    }
    return NULL;
}

static void remember(struct emg_link *link, uint16_t id, uint32_t crc, uint16_t length,
                     const struct emg_out *reply)
{
    struct emg_remembered *one = &link->remembered[link->oldest];
    link->oldest = (uint8_t)((link->oldest + 1u) % EMG_REMEMBERED);
    one->crc = crc;
    one->length = length;
    one->id = id;
    one->n = 0;
    if (reply->n <= EMG_REMEMBERED_BYTES) {
        one->n = (uint8_t)reply->n;
        (void)memcpy(one->reply, reply->bytes, reply->n);
    }
}

/* Answer one request; what was done is not done again. */
static void answer(struct emg_board *board, struct emg_link *link, const uint8_t *payload,
                   uint16_t n)
{
    uint8_t bytes[REPLY_BYTES];
    struct emg_out reply = {bytes, 0, sizeof bytes};
    const uint16_t id = emg_get16(payload);
    const uint32_t crc = emg_crc(EMG_CRC_BEGIN, payload, n);
    const struct emg_remembered *known = find(link, id, crc, n);
    if ((known != NULL) && (known->n > 0u)) {
        emg_put_bytes(&reply, known->reply, known->n);
    } else {
        emg_request(board, link, payload, n, &reply);
        if ((known == NULL) && (reply.bytes[3] == 0u)) { /* a refusal may not last */
            remember(link, id, crc, n, &reply);
        }
    }
    (void)emg_link_send(link, board->hal, EMG_REPLY, &reply, NULL, 0, 0, EMG_NO_LIMIT);
}

/* Take what a PC sent, one packet a round, while there is room for the reply. */
static bool serve(struct emg_board *board, struct emg_link *link)
{
    const struct emg_hal *hal = board->hal;
    emg_link_drain(link, hal);
    size_t room = 0;
    uint8_t *place = emg_rx_room(&link->rx, &room);
    if (room > 0u) {
        const size_t n = hal->receive(hal->context, link->number, place, room);
        link->rx.n = (uint16_t)(link->rx.n + ((n <= room) ? n : 0u));
    }
    if ((sizeof link->tx - link->tx_bytes) < (REPLY_BYTES + EMG_OVERHEAD_BYTES)) {
        return false;
    }
    const uint8_t *packet = emg_rx_packet(&link->rx);
    if (packet == NULL) {
        return false;
    }
    const uint16_t n = emg_get16(&packet[6]);
    if ((packet[3] == EMG_REQUEST) && (n >= 3u)) {
        answer(board, link, &packet[EMG_HEADER_BYTES], n);
    }
    return true;
}

/* Start anew once the reply to REBOOT has gone. */
static void reboot_if_due(struct emg_board *board)
{
    bool is_waiting = false;
    for (uint8_t i = 0; i < EMG_MAX_LINKS; i++) {
        is_waiting = is_waiting || (board->links[i].is_open && (board->links[i].tx_bytes > 0u));
    }
    const uint64_t now = board->hal->now_us(board->hal->context);
    if (!is_waiting || (now >= board->reboot_us)) {
        board->is_reboot_due = false;
        board->hal->reboot(board->hal->context);
    }
}

bool emg_poll(struct emg_board *board)
{
    bool is_busy = emg_run_poll(board);
    for (uint8_t i = 0; i < EMG_MAX_LINKS; i++) {
        if (board->links[i].is_open && serve(board, &board->links[i])) {
            is_busy = true;
        }
    }
    if (board->is_reboot_due) {
        reboot_if_due(board);
    }
    return is_busy;
}
