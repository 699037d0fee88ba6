import sys
def main() -> None:
    from batos.image import open_image
    from batos.interp import Worker, deep
    def go():
        image = open_image(sys.argv[1])
        w = Worker(image)
        for o in w.evaluate(sys.stdin.read()):
            print('>>', o.statement.strip()[:100])
            if o.transcript: print(o.transcript, end='')
            if o.error: print(o.error.render()); print(o.error.python)
            else: print('=>', o.printed)
        w.close(); image.close()
    deep(go)
