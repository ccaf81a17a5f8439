"""Build wheels from C and C++ sources for the target, with zig as the cross compiler (`--build-native`)."""
