/*
 * Calls of the C library by a program that may set errno: each is as it was, with the coroutine's
 * errno in the thread's during it, and what it left there in the coroutine's after it (errno.c).
 * The linker sends calls of NAME to __wrap_NAME; arch.mk takes the names from the lines with CALLS
 * here. With FILES= calls of CALLS_FILES are those of files.c, and those of CALLS_REFUSED fail.
 *
 * What is not here, or in stdio.c and the files net*.c: functions whose arguments do not fit into
 * registers, or that call the program back (it may leave them by longjmp, and sees errno by name),
 * those that return twice, and those that the kernel's handlers call.
 */
#define NO_ERRNO 0x80000000

	.cfi_sections .eh_frame, .debug_frame

/* words: how many of the arguments lie on the stack, which is two for a long double; files: where it
 * goes with FILES=. */
.macro TAKE name, words, files
	.pushsection .text.__wrap_\name, "ax", @progbits
	.globl	__wrap_\name
	.type	__wrap_\name, @function
__wrap_\name:
	.cfi_startproc
	.ifnb \files
	cmpb	$0, host_has_files(%rip)
	jne	\files
	.endif
	pushq	%rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rbp, 0
	movq	%rsp, %rbp
	.cfi_def_cfa_register rbp
	movq	host_errno_offset(%rip), %r11
	cmpl	$NO_ERRNO, %fs:(%r11)
	jne	1f			/* news: no older ones in its place */
	movq	%gs:0, %r10
	movl	host_co_error(%r10), %r10d
	movl	%r10d, %fs:(%r11)
1:
	.if \words & 1
	pushq	$0
	.endif
	.set	at, \words
	.rept	\words
	pushq	8 + 8 * at(%rbp)
	.set	at, at - 1
	.endr
	call	__real_\name
	movq	%rbp, %rsp
	popq	%rbp
	.cfi_def_cfa rsp, 8
	.cfi_restore rbp
	jmp	called
	.cfi_endproc
	.size	__wrap_\name, . - __wrap_\name
	.popsection
.endm

	.text
	.type	called, @function
called:					/* results are in rax, rdx, vector and x87 registers */
	.cfi_startproc
	movq	host_errno_offset(%rip), %rcx
	movl	%fs:(%rcx), %esi
	cmpl	$NO_ERRNO, %esi
	je	1f
	movq	%gs:0, %rdi
	movl	%esi, host_co_error(%rdi)
	movl	$NO_ERRNO, %fs:(%rcx)
1:	ret
	.cfi_endproc
	.size	called, . - called

.macro CALLS names:vararg
	.irp name, \names
	TAKE	\name, 0
	.endr
.endm

.macro CALLS_FILES names:vararg
	.irp name, \names
	TAKE	\name, 0, files_\name
	.endr
.endm

.macro CALLS_REFUSED names:vararg
	.irp name, \names
	TAKE	\name, 0, refuse_\name
	.section .rodata.str1.1, "aMS", @progbits, 1
name_of_\name:
	.string	"\name"
	.text
refuse_\name:
	leaq	name_of_\name(%rip), %rdi
	jmp	host_refuse
	.endr
.endm

.macro CALLS_LONG words, names:vararg
	.irp name, \names
	TAKE	\name, \words
	.endr
.endm

/* Numbers and text */
CALLS strtol, strtoll, strtoul, strtoull, strtoimax, strtoumax, strtod, strtof, strtold, strtoq
CALLS strtouq
CALLS wcstol, wcstoll, wcstoul, wcstoull, wcstoimax, wcstoumax, wcstod, wcstof, wcstold
CALLS atoi, atol, atoll, atof, a64l, strtol_l, strtoul_l, strtod_l
CALLS strerror, strerror_r, strcoll, strxfrm, wcscoll, wcsxfrm, strdup, strndup, wcsdup, strptime
CALLS strftime
CALLS mblen, mbtowc, wctomb, mbstowcs, wcstombs, mbrlen, mbrtowc, wcrtomb, mbsrtowcs, wcsrtombs
CALLS mbsnrtowcs, wcsnrtombs, iconv_open, iconv, iconv_close, newlocale, duplocale, setlocale
CALLS nl_langinfo
CALLS mktime, timegm, timelocal, setenv, unsetenv, putenv, clearenv, hcreate, hsearch

/* Files */
CALLS_FILES open, open64, creat, creat64, stat, stat64, lstat, lstat64, access, readlink, realpath
CALLS_FILES opendir, chdir, getcwd, link, symlink, unlink, remove, rename, mkdir, rmdir, chmod
CALLS_FILES truncate, truncate64, fopen, fopen64, canonicalize_file_name, get_current_dir_name
CALLS_FILES mkdtemp, system, popen
CALLS_REFUSED openat, openat64, fstatat, fstatat64, statx, statvfs, statfs, faccessat, eaccess
CALLS_REFUSED euidaccess, chroot, linkat, symlinkat, readlinkat, unlinkat, renameat, renameat2
CALLS_REFUSED mkdirat, mknod, mknodat, mkfifo, mkfifoat, fchmodat, lchmod, chown, lchown, fchownat
CALLS_REFUSED utime, utimes, lutimes, utimensat, mkstemp, mkostemp, mkstemps, pathconf, getxattr
CALLS_REFUSED setxattr, listxattr
CALLS lseek, lseek64, pread, pread64, pwrite, pwrite64
CALLS preadv, preadv64, pwritev, pwritev64, ftruncate, ftruncate64, fsync
CALLS fdatasync, sync
CALLS fstat, fstat64, fstatvfs, fstatfs, fchdir, fchmod, fchown, futimes, futimens, tmpfile
CALLS tmpfile64
CALLS fdopendir, readdir, readdir64, readdir_r, closedir, rewinddir, seekdir, telldir
CALLS dirfd
CALLS isatty, ttyname, ttyname_r, tcgetattr, tcflush, tcdrain, tcflow, tcsendbreak
CALLS tcgetsid
CALLS tcgetpgrp, tcsetpgrp, cfsetspeed, cfsetispeed, cfsetospeed, posix_openpt, grantpt, unlockpt
CALLS ptsname
CALLS pipe, pipe2, flock, lockf, lockf64, sendfile, sendfile64, splice, tee, copy_file_range
CALLS memfd_create
CALLS sysconf, fpathconf, confstr, fgetxattr, fsetxattr

/* Streams, but for what stdio.c has */
CALLS fmemopen, open_memstream, open_wmemstream, pclose, fileno
CALLS getc_unlocked, fgetc_unlocked, getchar_unlocked, fgets_unlocked, fread_unlocked, __uflow
CALLS putc_unlocked, fputc_unlocked, putchar_unlocked, fputs_unlocked, fwrite_unlocked, __overflow
CALLS fflush_unlocked

/* The network */
CALLS bind, listen, getsockname, getpeername, getsockopt, shutdown, sockatmark, sendmmsg, recvmmsg
CALLS inet_pton, inet_ntop, if_nametoindex, if_indextoname, getifaddrs, gethostname, sethostname
CALLS getdomainname, gethostbyname, gethostbyaddr, getnameinfo

/* The process, signals, memory, time */
CALLS killpg, sigprocmask, sigpending, sigsuspend, sigemptyset, sigfillset
CALLS sigaddset
CALLS sigdelset, sigismember, siginterrupt, wait, waitpid, wait3, wait4, waitid
CALLS execv, execve, execvp, execvpe, fexecve, nice, getpriority, setpriority, getpgid, setpgid
CALLS getsid, setsid
CALLS setuid, seteuid, setreuid, setgid, setegid, setregid, getgroups, setgroups, getlogin
CALLS getlogin_r
CALLS getpwnam, getpwuid, getgrnam, getgrgid, getrlimit, getrlimit64, setrlimit, setrlimit64
CALLS prlimit, getrusage
CALLS times, uname, sysinfo, getloadavg, getrandom, getentropy, getauxval, sched_getaffinity
CALLS sched_setaffinity
CALLS mmap, mmap64, munmap, mprotect, msync, madvise, mlock, munlock, mlockall, munlockall, mremap
CALLS mincore
CALLS brk, sbrk, shm_open, shm_unlink, gettimeofday, settimeofday, clock_getres, clock_settime
CALLS getitimer, setitimer, timer_create, timer_delete, timer_gettime, timer_getoverrun, adjtime
CALLS ulimit
CALLS eventfd, timerfd_create, timerfd_settime, timerfd_gettime, signalfd, inotify_init
CALLS inotify_init1
CALLS inotify_add_watch, inotify_rm_watch, epoll_create, epoll_create1, epoll_ctl, epoll_wait
CALLS epoll_pwait
CALLS sem_init, sem_open, sem_close, sem_unlink, sem_destroy, sem_post, sem_wait, sem_trywait
CALLS sem_timedwait
CALLS sem_getvalue, mq_open, mq_close, mq_unlink, mq_send, mq_receive, mq_getattr, mq_setattr
CALLS shmget, shmat, shmdt, shmctl, semget, semop, semctl, msgget, msgsnd, msgrcv, msgctl
CALLS_LONG 1, syscall

/* Mathematics */
CALLS acos, asin, acosh, atanh, cosh, sinh, exp, exp2, exp10, expm1, log, log2, log10, log1p, logb
CALLS pow, sqrt
CALLS hypot, fmod, remainder, remquo, drem, gamma, lgamma, lgamma_r, tgamma, ldexp, scalb, scalbn
CALLS scalbln
CALLS ilogb, j0, j1, jn, y0, y1, yn, sin, cos, tan, sincos, nextafter, fdim, fma, erfc, atan2
CALLS acosf, asinf, acoshf, atanhf, coshf, sinhf, expf, exp2f, exp10f, expm1f, logf, log2f, log10f
CALLS log1pf, logbf
CALLS powf, sqrtf, hypotf, fmodf, remainderf, remquof, dremf, gammaf, lgammaf, lgammaf_r, tgammaf
CALLS ldexpf
CALLS scalbf, scalbnf, scalblnf, ilogbf, j0f, j1f, jnf, y0f, y1f, ynf, sinf, cosf, tanf, sincosf
CALLS nextafterf
CALLS fdimf, fmaf, erfcf, atan2f
CALLS_LONG 2, acosl, asinl, acoshl, atanhl, coshl, sinhl, expl, exp2l, exp10l, expm1l, logl, log2l
CALLS_LONG 2, log10l
CALLS_LONG 2, log1pl, logbl, sqrtl, gammal, lgammal, lgammal_r, tgammal, ldexpl, scalbnl, scalblnl
CALLS_LONG 2, ilogbl
CALLS_LONG 2, j0l, j1l, jnl, y0l, y1l, ynl, sinl, cosl, tanl, sincosl, erfcl
CALLS_LONG 2, nexttoward, nexttowardf
CALLS_LONG 4, powl, hypotl, fmodl, remainderl, remquol, dreml, scalbl, nextafterl, nexttowardl
CALLS_LONG 4, fdiml, atan2l
CALLS_LONG 6, fmal

	.section .note.GNU-stack, "", @progbits
