"""`madang app ...`, and `madang-app ...` where only the SDK is installed."""
