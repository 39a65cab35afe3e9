// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";

/// @title ERC-721 tokens that anybody makes, for tests
contract PlainHero is ERC721 {
    constructor() ERC721("Hero", "HERO") {}

    function mint(address account, uint256 id) external {
        _mint(account, id);
    }
}
