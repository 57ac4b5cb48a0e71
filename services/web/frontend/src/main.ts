// Everything is in the chunk of the frame (vite.config.ts), which index.html loads by itself.
import './begin';
