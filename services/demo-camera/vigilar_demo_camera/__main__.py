"""``python -m vigilar_demo_camera``"""

import sys

from vigilar_demo_camera.app import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
