/* See ads_driver.h. It has one fault, which `emgrig attach` shows; docs/attach-c.md goes through it. */
#include "ads_driver.h"

#include <string.h>

static const int gains[7] = {1, 2, 4, 6, 8, 12, 24};
static int gain_code = 6;

static void command(const ads_board *board, uint8_t opcode)
{
    board->transfer(&opcode, NULL, 1);
    board->delay_us(2);
}

static void write_register(const ads_board *board, uint8_t address, uint8_t value)
{
    const uint8_t bytes[3] = {(uint8_t)(0x40 | address), 0, value};
    board->transfer(bytes, NULL, sizeof bytes);
}

static uint8_t read_register(const ads_board *board, uint8_t address)
{
    const uint8_t bytes[3] = {(uint8_t)(0x20 | address), 0, 0};
    uint8_t got[3];
    board->transfer(bytes, got, sizeof got);
    return got[2];
}

int ads_begin(const ads_board *board, int gain)
{
    uint8_t channel;
    board->delay_us(200000); /* tPOR and more */
    board->set_start(0);
    command(board, 0x06); /* RESET */
    board->delay_us(20);
    command(board, 0x11); /* SDATAC */
    if (read_register(board, 0x00) != 0x3E) {
        return -1;
    }
    for (gain_code = 0; gain_code < 6 && gains[gain_code] != gain; gain_code++) {
    }
    write_register(board, 0x03, 0xE0); /* CONFIG3: internal reference on */
    board->delay_us(150000);
    write_register(board, 0x01, 0x94); /* CONFIG1: 1 kSPS */
    for (channel = 0; channel < ADS_CHANNELS; channel++) {
        write_register(board, (uint8_t)(0x05 + channel), (uint8_t)(gain_code << 4));
    }
    board->set_start(1);
    command(board, 0x10); /* RDATAC */
    return 0;
}

int ads_read_uv(const ads_board *board, float uv[ADS_CHANNELS])
{
    uint8_t frame[3 + 3 * ADS_CHANNELS];
    int channel;
    if (!board->wait_drdy(10000)) {
        return -1;
    }
    board->transfer(NULL, frame, sizeof frame);
    for (channel = 0; channel < ADS_CHANNELS; channel++) {
        const uint8_t *at = frame + 3 + 3 * channel;
        int32_t code = (int32_t)((uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2]);
        if (code & 0x800000) {
            code -= 0x1000000;
        }
        uv[channel] = (float)code * (4.5e6f / (float)gains[gain_code] / 16777216.0f);
    }
    return 0;
}
