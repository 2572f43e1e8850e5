/* Preloaded: the file named by FAILING_SYNC says what befalls fsync and fdatasync. Absent: nothing; "fail": EIO; "hang": they
   do not return as long as it says so; a number: they take that many milliseconds longer. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void wait_ms(long ms) {
  struct timespec pause = {ms / 1000, (ms % 1000) * 1000000};
  nanosleep(&pause, NULL);
}

/* What the file says, or nothing. */
static void read_word(char *word, int size) {
  const char *path = getenv("FAILING_SYNC");
  FILE *file = path ? fopen(path, "r") : NULL;
  word[0] = 0;
  if (!file) return;
  if (!fgets(word, size, file)) word[0] = 0;
  fclose(file);
}

static int befall(void) {
  char word[32];
  read_word(word, sizeof word);
  if (strncmp(word, "fail", 4) == 0) {
    errno = EIO;
    return -1;
  }
  wait_ms(atol(word));
  for (; strncmp(word, "hang", 4) == 0; read_word(word, sizeof word)) wait_ms(20);
  return 0;
}

int fsync(int fd) {
  static int (*real)(int);
  if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  return befall() ? -1 : real(fd);
}

int fdatasync(int fd) {
  static int (*real)(int);
  if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  return befall() ? -1 : real(fd);
}
