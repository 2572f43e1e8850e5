/* Preloaded: the file named by FAILING_SYNC says what befalls fsync and fdatasync. Absent: nothing; "fail": EIO; a number:
   they take that many milliseconds longer. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int befall(void) {
  const char *path = getenv("FAILING_SYNC");
  FILE *file = path ? fopen(path, "r") : NULL;
  char word[32] = "";
  if (!file) return 0;
  if (!fgets(word, sizeof word, file)) word[0] = 0;
  fclose(file);
  if (strncmp(word, "fail", 4) == 0) {
    errno = EIO;
    return -1;
  }
  long ms = atol(word);
  struct timespec pause = {ms / 1000, (ms % 1000) * 1000000};
  nanosleep(&pause, NULL);
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
