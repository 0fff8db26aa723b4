from madang.cli.main import main

raise SystemExit(main())
