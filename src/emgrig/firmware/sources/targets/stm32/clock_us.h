/* clock_us.h: time by a timer of 32 bits that counts microseconds.
 *
 * Part of emgrig, MIT licence.
 */
#ifndef CLOCK_US_H
#define CLOCK_US_H

#include <stdint.h>

/* Microseconds since boot, 64 bits. Call it at least once in 71 minutes: the loop does. */
uint64_t clock_us(void);

#endif
