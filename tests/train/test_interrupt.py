import os
import signal
import threading

import pytest

from ttjax.train.interrupt import SIGNALS, Interrupt


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_is_noted_and_the_second_acts(number):
    seen = []
    before = signal.signal(number, lambda *_: seen.append(number))
    try:
        with Interrupt() as interrupt:
            assert interrupt.received is None
            os.kill(os.getpid(), number)
            assert interrupt.received is number
            assert seen == []
            os.kill(os.getpid(), number)
            assert seen == [number]
    finally:
        signal.signal(number, before)


def test_signals_are_given_back():
    before = [signal.getsignal(number) for number in SIGNALS]
    with Interrupt():
        assert [signal.getsignal(number) for number in SIGNALS] != before
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_off_the_main_thread_nothing_is_caught_and_nothing_breaks():
    found = []

    def listen():
        with Interrupt() as interrupt:
            found.append(interrupt.received)

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    assert found == [None]
