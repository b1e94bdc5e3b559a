# Short names for the npm scripts, which do the work.

.DEFAULT_GOAL := help
.PHONY: help setup train test check serve image image-test all

help: ## list these targets
	@sed -nE 's/^([a-z-]+):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

setup: ## install the packages and build
	npm ci

train: ## train a month: make train month=2021-01
	npm run train -- $(or $(month),2021-01)

test: ## run the tests
	npm test

check: ## types, style, documented exports, rules of the repository
	npm run check

serve: ## serve the trained model on port 9696
	npm run serve

image: ## build the image that serves
	npm run image

image-test: ## build both images and ask one for a prediction
	npm run image:test

all: ## everything that must hold: tests, checks, images
	npm test
	npm run check
	npm run image:test
