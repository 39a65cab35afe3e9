// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Ether on its way
library Ether {
    /// @notice What is burnt goes here; nobody has its key.
    address internal constant BURN_ADDRESS = 0x000000000000000000000000000000000000dEaD;

    error Ether_TransferFailed(address account, uint256 amount);

    /// @dev The caller has written its state before: the receiver may call back.
    function pay(address account, uint256 amount) internal {
        if (amount == 0) return;
        (bool sent, ) = account.call{value: amount}("");
        if (!sent) revert Ether_TransferFailed(account, amount);
    }

    function burn(uint256 amount) internal {
        pay(BURN_ADDRESS, amount);
    }
}
