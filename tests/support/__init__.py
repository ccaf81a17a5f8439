"""What the tests share: a local Lambda to talk to, a package registry, recorded AWS answers, apps and wheels to build."""
