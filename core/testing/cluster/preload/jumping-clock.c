/* Preloaded: the file named by JUMPING_CLOCK says by how many seconds the wall clock is wrong and, after a space, at which rate
   all clocks run (1.02: two percent fast). It is looked at every 50 ms. Without a rate monotonic time is right. Covers what
   Node asks of the C library: clock_gettime, gettimeofday, time, and how long epoll waits, so that timers keep to the same
   rate. Not covered: programs that ask the kernel by themselves, such as those written in Go. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <time.h>

#define SECOND 1000000000LL
#define LOOK_EVERY (SECOND / 20)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long wrong_by_seconds;
static double rate = 1;
/* How far a clock of this rate had come by `since`, beyond the right one, both monotonic. */
static long long ahead, since, looked;

static int (*real_gettime)(clockid_t, struct timespec *);

static long long nanoseconds(struct timespec at) { return at.tv_sec * SECOND + at.tv_nsec; }

static long long ahead_at(long long now) { return ahead + (long long)((rate - 1) * (now - since)); }

static void look(long long now) {
  const char *path = getenv("JUMPING_CLOCK");
  FILE *file = path ? fopen(path, "r") : NULL;
  long seconds = 0;
  double told = 1;
  looked = now;
  if (file) {
    int count = fscanf(file, "%ld %lf", &seconds, &told);
    if (count < 1) seconds = 0;
    if (count < 2 || told <= 0) told = 1;
    fclose(file);
  }
  wrong_by_seconds = seconds;
  if (told == rate) return;
  ahead = ahead_at(now);
  since = now;
  rate = told;
}

/* By how much a clock is wrong now; and the rate, for whoever waits. */
static long long wrong_by(int is_wall, double *rate_now) {
  struct timespec at;
  if (!real_gettime) real_gettime = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  real_gettime(CLOCK_MONOTONIC, &at);
  long long now = nanoseconds(at);
  pthread_mutex_lock(&lock);
  if (looked == 0 || now - looked > LOOK_EVERY) look(now);
  long long wrong = ahead_at(now) + (is_wall ? wrong_by_seconds * SECOND : 0);
  if (rate_now) *rate_now = rate;
  pthread_mutex_unlock(&lock);
  return wrong;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  int is_wall = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
  int is_monotonic = clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE || clock == CLOCK_BOOTTIME;
  long long wrong = is_wall || is_monotonic ? wrong_by(is_wall, NULL) : 0;
  if (!real_gettime) real_gettime = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  int result = real_gettime(clock, now);
  if (result != 0 || wrong == 0) return result;
  long long told = nanoseconds(*now) + wrong;
  now->tv_sec = told / SECOND;
  now->tv_nsec = told % SECOND;
  return 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  struct timespec at;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &at);
  now->tv_sec = at.tv_sec;
  now->tv_usec = at.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *where) {
  struct timespec at;
  clock_gettime(CLOCK_REALTIME, &at);
  if (where) *where = at.tv_sec;
  return at.tv_sec;
}

static int waited(int timeout) {
  double rate_now = 1;
  if (timeout <= 0) return timeout;
  wrong_by(0, &rate_now);
  int scaled = (int)(timeout / rate_now);
  return scaled > 0 ? scaled : 1;
}

int epoll_wait(int epfd, struct epoll_event *events, int max, int timeout) {
  static int (*real)(int, struct epoll_event *, int, int);
  if (!real) real = (int (*)(int, struct epoll_event *, int, int))dlsym(RTLD_NEXT, "epoll_wait");
  return real(epfd, events, max, waited(timeout));
}

int epoll_pwait(int epfd, struct epoll_event *events, int max, int timeout, const sigset_t *mask) {
  static int (*real)(int, struct epoll_event *, int, int, const sigset_t *);
  if (!real) real = (int (*)(int, struct epoll_event *, int, int, const sigset_t *))dlsym(RTLD_NEXT, "epoll_pwait");
  return real(epfd, events, max, waited(timeout), mask);
}
