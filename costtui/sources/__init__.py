"""Where usage comes from. A source knows neither the store nor prices."""
