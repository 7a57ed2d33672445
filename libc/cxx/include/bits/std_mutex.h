/* In place of the library's, which brings its locales: what includes it, <atomic>, needs nothing of it. */
