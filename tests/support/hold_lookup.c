// Holds a program where it looks a host's name up, as a name server does that does not answer: while the file that HOLD_LOOKUP
// names is there. No signal wakes it. That it is held, it tells by a file of the same name with ".held" behind it.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int getaddrinfo(const char* node, const char* service, const struct addrinfo* hints, struct addrinfo** result) {
  int (*real)(const char*, const char*, const struct addrinfo*, struct addrinfo**) = dlsym(RTLD_NEXT, "getaddrinfo");
  const char* const path = getenv("HOLD_LOOKUP");
  if (path != NULL && access(path, F_OK) == 0) {
    char held[4096];
    snprintf(held, sizeof held, "%s.held", path);
    close(open(held, O_WRONLY | O_CREAT, 0600));
    while (access(path, F_OK) == 0) usleep(10000);
  }
  return real(node, service, hints, result);
}
