# Settings of this program, for the Makefile.
CFLAGS = -DSETTINGS=11
CXXFLAGS = -std=gnu++20 -DMADE=2 -I$(app_folder)
