# Settings of this program, for the Makefile.
CFLAGS = -DSETTINGS=11
CXXFLAGS = -DMADE=2 -I$(app_folder)
