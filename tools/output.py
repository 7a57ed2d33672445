"""A file that a launcher writes when its machine has stopped. It is opened before anything boots, so that a place where
no file can be is told at once."""

import os
import stat


class Output:
    """Until write(), what the file had stays in it."""

    def __init__(self, path):
        self.path, flags = path, os.O_WRONLY | os.O_CLOEXEC
        try:
            self.fd, self.is_new = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o666), True
        except FileExistsError: # or a link to one that is not there yet
            self.fd, self.is_new = os.open(path, flags | os.O_CREAT, 0o666), False
        self.is_plain = stat.S_ISREG(os.fstat(self.fd).st_mode) # and no device or pipe

    def write(self, put):
        """put(file) writes all of it, under another name until it is whole. Where that fails there is no file: half of
        one, or an older one, would be taken for the whole."""
        place = os.path.realpath(self.path)
        part = f"{place}.{os.getpid()}.part"
        aside = self.open_aside(place, part) if self.is_plain else None
        try:
            with os.fdopen(self.fd if aside is None else aside, "wb") as file:
                if self.is_plain and aside is None:
                    file.truncate(0)
                put(file)
            if aside is not None:
                os.rename(part, place)
        except BaseException:
            if aside is None:
                self.remove()
            else:
                os.unlink(part)
            raise

    def open_aside(self, place, part):
        """The file part, in place of the one at place, which goes. None: its folder does not let us."""
        try:
            aside = os.open(part, os.O_WRONLY | os.O_CLOEXEC | os.O_CREAT | os.O_EXCL, 0o666)
        except OSError:
            return None
        try:
            os.fchmod(aside, stat.S_IMODE(os.fstat(self.fd).st_mode))
            os.unlink(place)
            return aside
        except OSError:
            os.unlink(part)
            os.close(aside)
            return None

    def remove(self):
        """The machine has nothing for it."""
        if self.is_plain:
            os.unlink(self.path)

    def forget(self):
        """No machine has booted."""
        if self.is_new:
            self.remove()
