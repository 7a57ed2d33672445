/* FIONREAD (bytes that a read would give) and FIONBIO (non-blocking mode), on sockets. */
#ifndef _SYS_IOCTL_H
#define _SYS_IOCTL_H

#define FIONREAD 0x541b
#define FIONBIO  0x5421

#ifdef __cplusplus
extern "C" {
#endif

int ioctl(int fd, unsigned long request, ...);

#ifdef __cplusplus
}
#endif

#endif
