"""Records the states of PyTorch's own recurrent modules; no Keras is needed.

    with stateviz.torch.record(module) as recording:
        ...  # a training loop of your own

    stateviz.play_batches(recording)

In PyTorch nothing is ever reset, because nothing is ever kept: whoever calls `nn.LSTM` hands (h, c)
over, or does not. So the origin of a state says what was passed: *fresh* where nothing was,
*carried* what an earlier call had left, *reset* zeros, *given* anything else.
"""

from stateviz.torch.block import epoch as epoch
from stateviz.torch.block import phase as phase
from stateviz.torch.block import record as record
from stateviz.torch.block import starts as starts
