/* emg_config.h: sizes, all of them decided when the firmware is compiled.
 *
 * A target sets its own with -DEMG_MAX_LINKS=2u and the like. With what stands here, one chip and
 * one link, struct emg_board takes 15.4 KiB on a Cortex-M.
 *
 * Part of emgrig, MIT licence.
 */
#ifndef EMG_CONFIG_H
#define EMG_CONFIG_H

/* ADS1299 on the board, at most 4: the link has 32 bits for the electrodes of a board. */
#ifndef EMG_MAX_CHIPS
#define EMG_MAX_CHIPS 1u
#endif

/* PCs that may be connected at the same time: 1 for a serial line; 2 for TCP, so that a second one
 * is told that the board is busy. */
#ifndef EMG_MAX_LINKS
#define EMG_MAX_LINKS 1u
#endif

/* Frames a packet, 1 to 255. So many are held until their packet is complete. */
#ifndef EMG_MAX_FRAMES
#define EMG_MAX_FRAMES 64u
#endif

/* Bytes of samples that may wait for one link. 8192 are 272 ms of one chip at 1 kSPS: a packet of
 * 16 frames has 462 bytes. */
#ifndef EMG_TX_BYTES
#define EMG_TX_BYTES 8192u
#endif

/* Room behind them that only replies and events use: they go out when samples are thrown away. */
#ifndef EMG_TX_RESERVE
#define EMG_TX_RESERVE 1024u
#endif

/* SCLK of commands. The chip takes 4 tCLK to decode a byte (SBAS499C, tSDECODE), so that up to
 * 4.0 MHz no pause is needed between bytes; 2 MHz leaves room for any clock. */
#ifndef EMG_COMMAND_HZ
#define EMG_COMMAND_HZ 2000000u
#endif

/* SCLK of frames: at most 20 MHz, 15 MHz with DVDD below 2.7 V (SBAS499C, tSCLK). */
#ifndef EMG_DATA_HZ
#define EMG_DATA_HZ 8000000u
#endif

#if (EMG_MAX_CHIPS < 1u) || (EMG_MAX_CHIPS > 4u) || (EMG_MAX_FRAMES < 1u) || \
    (EMG_MAX_FRAMES > 255u) || (EMG_MAX_LINKS < 1u) || (EMG_TX_RESERVE < 640u)
#error "a size in emg_config.h is out of its range"
#endif

#endif
