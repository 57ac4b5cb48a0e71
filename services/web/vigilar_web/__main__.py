import sys

from vigilar_web.app import main

sys.exit(main())
