/* SPDX-License-Identifier: Apache-2.0 */
/* A key pair made for tests (its private half is thrown away), and what it signed: SHA-256, DER. */
#ifndef ECDSA_VECTORS_H
#define ECDSA_VECTORS_H

#define ECDSA_KEY \
    "0445bf862f7b6a1240487f51fe3f8f699d3afbab26dbcc74f0576d08fb725add20cd0597"                       \
    "685e344c19d8d19a75723972510b27e5c487e73236fa9e0fd3314446e3"

#define ECDSA_OTHER_KEY \
    "04b42c67ecdeb733ae8392b42a73b11612cd3dc5ec15cff91f0772676546458f39d8473c"                       \
    "79fb03ce6ad7401d5c600402ef653c4e5e3768ba598273e43170901eb8"

/* Of the text "image". */
#define ECDSA_IMAGE_SIGNATURE \
    "3044022036da3d67a79cc0abf821913ff33675ece1f42b3dbeb594fb338bf350f0513ae9"                       \
    "0220489f7021fad8bf6e72cff29ba8fde983cbc74763e41a486449a570c90ccb34af"

/* Of ECDSA_SIGNED_BYTES bytes, each (i * 7 + i / 251) of its place. */
#define ECDSA_SIGNED_BYTES 2000u
#define ECDSA_SIGNED_SIGNATURE \
    "3044022073ae7128fda47fae4c5087cf9dba4493b3b093ce9b9700fc7d6f83d5bdf7995c"                       \
    "02201a0c640eeec3dbf39cb5ceda465ad79662259fc191633d0c041f62deb114b30e"


#endif
