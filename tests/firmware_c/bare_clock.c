/* bare_clock.c: what the machine itself leaves of data periods: `bare_clock PERIOD_NS SECONDS`.
 *
 * It does nothing but look at the clock, and prints how many periods there were, and in how many
 * it did not get to look: no program on this machine could have read a result in those.
 */
#define _POSIX_C_SOURCE 200112L

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static uint64_t clock_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int main(int argc, char **argv)
{
    const uint64_t period_ns = (argc > 2) ? strtoull(argv[1], NULL, 10) : 62500u;
    const uint64_t n = ((argc > 2) ? strtoull(argv[2], NULL, 10) : 1u) * 1000000000u / period_ns;
    const uint64_t origin_ns = clock_ns();
    uint64_t last = 0, unseen = 0;
    while (last < n) {
        const uint64_t here = (clock_ns() - origin_ns) / period_ns;
        unseen += (here > last + 1u) ? here - last - 1u : 0u;
        last = here;
    }
    (void)printf("%llu %llu\n", (unsigned long long)last, (unsigned long long)unseen);
    return 0;
}
